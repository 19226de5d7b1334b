//! Contracts as samples.

use jiff::civil::Date;

use super::wire::{BillingPeriod, Charge, Contract, Details, Wallet, sku};
use crate::catalogue::Gauge;
use crate::catalogue::genesys_cloud as catalogue;
use crate::model::Samples;
use crate::providers::genesys_cloud::days::midnight;
use crate::providers::genesys_cloud::wire::{Decimal, end_day, first_day};

/// Everything about a contract but its periods.
pub(super) fn contract(samples: &mut Samples, contract: &Contract) {
    let id = contract.id.0.as_str();
    samples.push(&catalogue::CONTRACT_INFO, [id, &contract.status.0, &contract.commercial_model.0], 1.0);
    let mut moment = |gauge: &'static Gauge<1>, day: Option<Date>| {
        if let Some(day) = day {
            samples.push(gauge, [id], midnight(day).as_second() as f64);
        }
    };
    moment(&catalogue::CONTRACT_START_TIMESTAMP, first_day(&contract.date_start.0));
    moment(&catalogue::CONTRACT_END_TIMESTAMP, end_day(&contract.date_end.0));
    moment(&catalogue::CONTRACT_RAMP_END_TIMESTAMP, end_day(&contract.date_ramp_end.0));
    for plan in &contract.plans.entries {
        let product = plan.product.as_ref();
        for item in &plan.items.entries {
            let labels = [id, &item.name.0, sku(product), item.unit(product)];
            if let Decimal(Some(quantity)) = item.quantity {
                samples.push(&catalogue::CONTRACT_COMMITTED_QUANTITY, labels, quantity);
            }
            if let (Decimal(Some(price)), Some(currency)) = (item.price, item.currency_iso_code.get()) {
                let [id, item, sku, unit] = labels;
                samples.push(&catalogue::CONTRACT_UNIT_PRICE, [id, item, sku, unit, currency], price);
            }
        }
    }
}

/// A billing period, its charges and its wallets.
pub(super) fn period(samples: &mut Samples, contract_id: &str, period: &BillingPeriod, details: &Details) {
    let Some((start, _)) = period.days() else { return };
    let start = start.to_string();
    let open = if period.is_open() { 1.0 } else { 0.0 };
    samples.push(&catalogue::BILLING_PERIOD_OPEN, [contract_id, &start], open);
    for entry in &details.charges.entries {
        charge(samples, [contract_id, &start], entry);
    }
    for entry in &details.wallets.entries {
        wallet(samples, [contract_id, &start], entry);
    }
}

fn charge(samples: &mut Samples, [contract_id, start]: [&str; 2], charge: &Charge) {
    let (name, sku, unit) = (charge.name(), charge.sku(), charge.unit());
    for (gauge, quantity) in [
        (&catalogue::BILLING_PREPAID_QUANTITY, charge.prepaid_quantity),
        (&catalogue::BILLING_FAIR_USE_QUANTITY, charge.fairuse_quantity),
        (&catalogue::BILLING_USED_QUANTITY, charge.actual_quantity),
        (&catalogue::BILLING_OVERAGE_QUANTITY, charge.overage_quantity),
        (&catalogue::BILLING_CONVERTED_TOKENS, charge.converted_token_count),
    ] {
        if let Decimal(Some(quantity)) = quantity {
            samples.push(gauge, [contract_id, name, sku, unit, start], quantity);
        }
    }
    // Money without a currency is no money.
    if let (Decimal(Some(amount)), Some(currency)) = (charge.overage_charge, charge.overage_currency.get()) {
        samples.push(&catalogue::BILLING_OVERAGE_AMOUNT, [contract_id, name, sku, start, currency], amount);
    }
}

fn wallet(samples: &mut Samples, [contract_id, start]: [&str; 2], wallet: &Wallet) {
    let name = wallet.name.0.as_str();
    for (gauge, quantity) in [
        (&catalogue::WALLET_STARTING_BALANCE, wallet.starting_balance),
        (&catalogue::WALLET_ENDING_BALANCE, wallet.ending_balance),
        (&catalogue::WALLET_CONSUMED_QUANTITY, wallet.balance_consumption),
    ] {
        if let Decimal(Some(quantity)) = quantity {
            samples.push(gauge, [contract_id, name, wallet.unit(), start], quantity);
        }
    }
    if let (Decimal(Some(amount)), Some(currency)) =
        (wallet.balance_overage_charge, wallet.balance_overage_currency.get())
    {
        samples.push(&catalogue::WALLET_OVERAGE_AMOUNT, [contract_id, name, start, currency], amount);
    }
}
