//! The fields that Genesys Cloud documents for the answers that the collectors ask for, read or not: any other is a surprise.

use crate::rest::{Documentation, Fields};

/// By operation.
pub(super) const DOCUMENTATION: Documentation = &[
    ("postUsageQuery", &EXECUTION),
    ("getUsageQueryResults", &USAGE_QUERY_RESULT),
    ("postUsageSimpleSearch", &EXECUTION),
    ("getUsageSimpleSearchResults", &USAGE_QUERY_RESULT),
    ("getClientUsageSummary", &EXECUTION),
    ("postClientUsageQuery", &EXECUTION),
    ("getClientUsageQueryResults", &USAGE_QUERY_RESULT),
    ("postUsageAggregatesJob", &USAGE_JOB),
    ("getUsageAggregatesJob", &ORGANIZATION_JOB_RESULTS),
    ("postClientUsageAggregatesJob", &USAGE_JOB),
    ("getClientUsageAggregatesJob", &CLIENT_JOB_RESULTS),
    ("getBillableUsage", &BILLABLE_USAGE_REPORT),
    ("getTrusteeBillingOverview", &TRUSTEE_BILLING_OVERVIEW),
    ("listContracts", &Fields { also: &[&PAGE], objects: &[("entities", &CONTRACT)], ..Fields::of(&[]) }),
    ("getContract", &CONTRACT),
    ("getBillingPeriod", &BILLING_PERIOD_DETAIL),
    ("listInvoices", &Fields { also: &[&PAGE], objects: &[("entities", &INVOICE)], ..Fields::of(&[]) }),
    ("listOAuthClients", &OAUTH_CLIENTS),
    ("getOrganization", &ORGANIZATION),
    ("getEffectiveLimits", &Fields { objects: &[("entities", &LIMIT)], ..Fields::of(&[]) }),
];

static PAGE: Fields = Fields::of(&["nextUri", "selfUri", "previousUri"]);
static NAMED: Fields = Fields::of(&["id", "name"]);
static REFERENCE: Fields = Fields::of(&["id", "name", "selfUri"]);

// The legacy usage API.
static EXECUTION: Fields = Fields::of(&["executionId", "resultsUri"]);
static USAGE_QUERY_RESULT: Fields = Fields {
    objects: &[("results", &USAGE_ROW), ("cursors", &Fields::of(&["before", "after"]))],
    ..Fields::of(&["queryStatus"])
};
static USAGE_ROW: Fields = Fields::of(&[
    "clientId",
    "clientName",
    "organizationId",
    "userId",
    "templateUri",
    "httpMethod",
    "status200",
    "status300",
    "status400",
    "status500",
    "status429",
    "requests",
    "date",
]);

// The jobs of the usage API.
static USAGE_JOB: Fields = Fields::of(&["id", "name", "resultsUri", "selfUri"]);
static ORGANIZATION_JOB_RESULTS: Fields =
    Fields { also: &[&JOB_STATE], objects: &[("entities", &ORGANIZATION_USAGE)], ..Fields::of(&[]) };
static ORGANIZATION_USAGE: Fields = Fields {
    also: &[&JOB_ROW],
    objects: &[("oauthClient", &REFERENCE), ("user", &REFERENCE)],
    ..Fields::of(&[])
};
static CLIENT_JOB_RESULTS: Fields =
    Fields { also: &[&JOB_STATE], objects: &[("entities", &CLIENT_USAGE)], ..Fields::of(&[]) };
static CLIENT_USAGE: Fields = Fields { also: &[&JOB_ROW], ..Fields::of(&["organizationId"]) };
static JOB_STATE: Fields = Fields {
    objects: &[("errorBody", &ERROR_BODY)],
    ..Fields::of(&["queryStatus", "name", "nextUri", "selfUri"])
};
static JOB_ROW: Fields = Fields::of(&[
    "date",
    "platform",
    "httpMethod",
    "templateUri",
    "requestCount",
    "status200",
    "status300",
    "status400",
    "status429",
    "status500",
]);
static ERROR_BODY: Fields = Fields {
    objects: &[
        ("details", &Fields::of(&["errorCode", "fieldName", "entityId", "entityName"])),
        ("errors", &ERROR_BODY),
        ("limit", &LIMIT),
    ],
    ..Fields::of(&[
        "message",
        "code",
        "status",
        "entityId",
        "entityName",
        "messageWithParams",
        "messageParams",
        "contextId",
    ])
};

// Billing.
static BILLABLE_USAGE_REPORT: Fields = Fields {
    objects: &[(
        "usages",
        &Fields {
            objects: &[("resources", &Fields::of(&["name", "date"]))],
            ..Fields::of(&["name", "totalUsage"])
        },
    )],
    ..Fields::of(&["id", "name", "startDate", "endDate", "status", "selfUri"])
};
static TRUSTEE_BILLING_OVERVIEW: Fields = Fields {
    objects: &[("organization", &NAMED), ("usages", &OVERVIEW_USAGE)],
    ..Fields::of(&[
        "id",
        "name",
        "currency",
        "enabledProducts",
        "subscriptionType",
        "rampPeriodStartDate",
        "rampPeriodEndDate",
        "billingPeriodStartDate",
        "billingPeriodEndDate",
        "contractAmendmentDate",
        "contractEffectiveDate",
        "contractEndDate",
        "minimumMonthlyAmount",
        "inRampPeriod",
        "selfUri",
    ])
};
static OVERVIEW_USAGE: Fields = Fields::of(&[
    "name",
    "partNumber",
    "grouping",
    "unitOfMeasureType",
    "usageQuantity",
    "prepayQuantity",
    "overagePrice",
    "prepayPrice",
    "bundleQuantity",
    "usageNotes",
    "isCancellable",
    "isThirdParty",
]);

// The previews of contracts and invoices.
static CUSTOMER: Fields = Fields::of(&["id", "number", "name"]);
static PRODUCT: Fields = Fields::of(&["id", "sku", "name", "unitOfMeasure"]);
static CONTRACT: Fields = Fields {
    objects: &[
        ("billToCustomer", &CUSTOMER),
        ("soldToCustomer", &CUSTOMER),
        ("endCustomer", &CUSTOMER),
        ("billingPeriods", &BILLING_PERIOD),
        ("plans", &PLAN),
    ],
    ..Fields::of(&[
        "id",
        "externalNumber",
        "status",
        "commercialModel",
        "purchaseOrderNumbers",
        "dateStart",
        "dateEnd",
        "dateRampStart",
        "dateRampEnd",
    ])
};
static PLAN: Fields = Fields {
    objects: &[("organizations", &NAMED), ("product", &PRODUCT), ("items", &PLAN_ITEM)],
    ..Fields::of(&["id", "name"])
};
static PLAN_ITEM: Fields = Fields::of(&[
    "itemNumber",
    "name",
    "type",
    "function",
    "description",
    "dateChargedThrough",
    "currencyIsoCode",
    "discountAmount",
    "dateEffectiveStart",
    "dateEffectiveEnd",
    "overagePrice",
    "price",
    "quantity",
    "unitOfMeasure",
]);
static BILLING_PERIOD: Fields = Fields::of(&["id", "dateStart", "dateEnd", "status"]);
static BILLING_PERIOD_DETAIL: Fields =
    Fields { also: &[&BILLING_PERIOD], plain: &[], objects: &[("charges", &CHARGE), ("wallets", &WALLET)] };
static CHARGE: Fields = Fields {
    objects: &[("product", &PRODUCT), ("organizations", &NAMED)],
    ..Fields::of(&[
        "id",
        "name",
        "prepaidQuantity",
        "fairuseQuantity",
        "actualQuantity",
        "overageQuantity",
        "overageRate",
        "overageCharge",
        "overageCurrency",
        "convertedTokenCount",
        "tokenConversionRate",
    ])
};
static WALLET: Fields = Fields {
    objects: &[("organizations", &NAMED), ("product", &PRODUCT)],
    ..Fields::of(&[
        "id",
        "name",
        "startingBalance",
        "endingBalance",
        "balanceIncrease",
        "balanceDecrease",
        "balanceConsumption",
        "balanceOverage",
        "balanceOverageRate",
        "balanceOverageCharge",
        "balanceOverageCurrency",
        "unitOfMeasure",
    ])
};
static INVOICE: Fields = Fields {
    objects: &[("billToCustomer", &CUSTOMER), ("shipToCustomer", &CUSTOMER), ("soldToCustomer", &CUSTOMER)],
    ..Fields::of(&[
        "id",
        "dateInvoiced",
        // What addresses are made of is not documented.
        "billToAddress",
        "shipToAddress",
        "currencyIsoCode",
        "paymentStatus",
        "paymentTerms",
        "paymentLink",
        "customerPoNumber",
        "customerInvoiceType",
        "amount",
    ])
};

// The organization, its clients and its limits.
static OAUTH_CLIENTS: Fields = Fields {
    objects: &[("entities", &OAUTH_CLIENT)],
    ..Fields::of(&[
        "pageSize",
        "pageNumber",
        "pageCount",
        "total",
        "firstUri",
        "nextUri",
        "previousUri",
        "lastUri",
        "selfUri",
    ])
};
static OAUTH_CLIENT: Fields = Fields::of(&[
    "id",
    "name",
    "description",
    "accessTokenValiditySeconds",
    "authorizedGrantType",
    "state",
    "dateCreated",
    "dateModified",
    "dateToDelete",
    "selfUri",
    // What follows is documented with the vendor's SDKs and of no use here.
    "registeredRedirectUri",
    "secret",
    "roleIds",
    "roleDivisions",
    "scope",
    "createdBy",
    "modifiedBy",
]);
static ORGANIZATION: Fields = Fields::of(&[
    "id",
    "name",
    "thirdPartyOrgName",
    "domain",
    "version",
    "state",
    "productPlatform",
    "features",
    "selfUri",
    // What follows is documented with the vendor's SDKs and of no use here.
    "defaultLanguage",
    "defaultCountryCode",
    "thirdPartyURI",
    "defaultSiteId",
    "supportURI",
    "voicemailEnabled",
]);
static LIMIT: Fields = Fields::of(&["key", "namespace", "value"]);

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::rest::documented_tests::{differences, is_named_in};

    /// What the vendor's SDKs document and the contract leaves out because nobody here needs it.
    const OF_THE_SDKS: [&str; 13] = [
        "+listOAuthClients.entities.registeredRedirectUri",
        "+listOAuthClients.entities.secret",
        "+listOAuthClients.entities.roleIds",
        "+listOAuthClients.entities.roleDivisions",
        "+listOAuthClients.entities.scope",
        "+listOAuthClients.entities.createdBy",
        "+listOAuthClients.entities.modifiedBy",
        "+getOrganization.defaultLanguage",
        "+getOrganization.defaultCountryCode",
        "+getOrganization.thirdPartyURI",
        "+getOrganization.defaultSiteId",
        "+getOrganization.supportURI",
        "+getOrganization.voicemailEnabled",
    ];

    #[test]
    fn the_answers_of_all_operations_that_are_called_are_listed_as_the_contract_has_them() {
        let openapi = include_str!("../../../tests/contract/genesys-cloud.openapi.yaml");
        let is_called = is_named_in("src/providers/genesys_cloud");
        let differences = differences(DOCUMENTATION, openapi, is_called);
        assert_eq!(differences, BTreeSet::from(OF_THE_SDKS.map(str::to_owned)));
    }
}
