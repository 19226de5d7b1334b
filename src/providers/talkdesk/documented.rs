//! The fields that Talkdesk documents for the answers that the collectors ask for, read or not: any other is a surprise.

use crate::rest::{Documentation, Fields};

/// A page of a list.
macro_rules! page {
    ($key:literal, $row:ident) => {
        Fields {
            also: &[&PAGE],
            objects: &[("_embedded", &Fields { objects: &[($key, &$row)], ..Fields::of(&[]) })],
            ..Fields::of(&[])
        }
    };
}

/// By operation.
pub(super) const DOCUMENTATION: Documentation = &[
    ("listAccounts", &page!("accounts", ACCOUNT)),
    ("listProducts", &page!("products", PRODUCT)),
    ("listSubscriptions", &page!("subscriptions", SUBSCRIPTION)),
    ("listTalkdeskInvoiceLines", &page!("invoices", INVOICE_LINE)),
    // The documentation of this list has its links in the place where those of the others have counters.
    ("listMonthlyUsage", &Fields { also: &[&USAGE, &LINKS], objects: &[("show", &LINK)], ..Fields::of(&[]) }),
];

static PAGE: Fields = Fields {
    objects: &[("_links", &LINKS)],
    ..Fields::of(&["count", "page", "per_page", "total", "total_pages"])
};
static LINKS: Fields = Fields {
    objects: &[("first", &LINK), ("last", &LINK), ("next", &LINK), ("prev", &LINK), ("self", &LINK)],
    ..Fields::of(&[])
};
static LINK: Fields = Fields::of(&["href"]);

static USAGE: Fields = page!("usage", MONTHLY_USAGE);

static ACCOUNT: Fields = Fields::of(&["id", "name", "company_name", "status"]);
static PRODUCT: Fields = Fields::of(&["id", "name", "family", "unit_of_measure", "charge_type"]);

/// The reference pages print the key of the account in another way than schema, samples and filters have it.
static ACCOUNT_ID: Fields = Fields::of(&["account_id", "account ID"]);
static SUBSCRIPTION: Fields = Fields {
    also: &[&ACCOUNT_ID],
    ..Fields::of(&[
        "id",
        "contract_number",
        "currency",
        "billing_period",
        "status",
        "term",
        "start_date",
        "end_date",
        "edition",
        "auto_renewal",
        "renewal_uplift",
        "product_id",
        "quantity",
        "unit_price",
        "billing_frequency",
        "pricing_model",
        "concurrent",
        "seasonal",
    ])
};
static INVOICE_LINE: Fields = Fields {
    also: &[&ACCOUNT_ID],
    ..Fields::of(&[
        "id",
        "number",
        "invoice_line_number",
        "date",
        "due_date",
        "currency",
        "total_invoice_amount",
        "product_id",
        "product_name",
        "description",
        "quantity",
        "rate",
        "amount",
        "total_tax_amount",
    ])
};
static MONTHLY_USAGE: Fields = Fields {
    also: &[&ACCOUNT_ID],
    ..Fields::of(&[
        "id",
        "product_id",
        "aggr_product_id",
        "month",
        "type",
        "description",
        "currency",
        "direction",
        "resolution",
        "unit",
        "price",
        "wallet_name",
        "number_of_units",
        "total_amount",
    ])
};

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::rest::documented_tests::{differences, is_named_in};

    #[test]
    fn the_answers_of_all_operations_that_are_called_are_listed_as_the_contract_has_them() {
        // An operation of the other vendor has the same name there.
        let openapi = include_str!("../../../tests/contract/talkdesk.openapi.yaml")
            .replace("operationId: listInvoiceLines", "operationId: listTalkdeskInvoiceLines");
        let is_called = is_named_in("src/providers/talkdesk");
        let differences = differences(DOCUMENTATION, &openapi, is_called);
        let printed = [
            "+listTalkdeskInvoiceLines._embedded.invoices.account ID",
            "+listMonthlyUsage._embedded.usage.account ID",
            "+listSubscriptions._embedded.subscriptions.account ID",
        ];
        assert_eq!(differences, BTreeSet::from(printed.map(str::to_owned)));
    }
}
