//! The product catalogue: every family, and one unit that the vendor's documents do not know.

use serde_json::{Value, json};

use super::list::View;

/// Code, name, family, unit of measure, charge type.
type Product = (&'static str, &'static str, Option<&'static str>, Option<&'static str>, Option<&'static str>);

const fn product(
    code: &'static str,
    name: &'static str,
    family: &'static str,
    unit: &'static str,
    charge: &'static str,
) -> Product {
    (code, name, Some(family), Some(unit), Some(charge))
}

const PRODUCTS: [Product; 40] = [
    product("TD-LIC-APP-RC-101910", "CX Cloud Elevate", "LICENSE", "PER_SEAT", "RECURRING"),
    product("TD-LIC-APP-RC-101911", "CX Cloud Essentials", "LICENSE", "PER_SEAT", "RECURRING"),
    product("TD-LIC-APP-RC-101912", "CX Cloud Elite", "LICENSE", "PER_SEAT", "RECURRING"),
    product("TD-LIC-DIG-RC-101920", "Digital Essentials", "LICENSE", "PER_SEAT", "FIXED_RECURRING"),
    product("TD-ADD-WFM-RC-102010", "Workforce Management", "ADD_ON", "PER_SEAT", "RECURRING"),
    product("TD-ADD-QAM-RC-102011", "Quality Management", "ADD_ON", "PER_SEAT", "RECURRING"),
    product("TD-ADD-SAN-RC-102012", "Interaction Analytics", "ADD_ON", "PER_SEAT", "RECURRING"),
    product("TD-ADD-KNW-RC-102013", "Knowledge Management", "ADD_ON", "PER_ACCOUNT", "FIXED_RECURRING"),
    product("TD-ADD-GRD-RC-102014", "Guardian", "ADD_ON", "PER_CONNECTION", "RECURRING"),
    product(
        "TD-PKG-WEM-RC-102110",
        "Workforce Engagement Package",
        "ADD_ON_PACKAGES",
        "PER_SEAT",
        "RECURRING",
    ),
    product("TD-PKG-AIX-RC-102111", "AI Package", "ADD_ON_PACKAGES", "PER_SEAT", "FIXED_RECURRING"),
    product("TD-USG-TEL-UG-102210", "Outbound Voice", "CONSUMPTION", "PER_MINUTE", "USAGE"),
    product("TD-USG-TEL-UG-102211", "Inbound Voice", "CONSUMPTION", "PER_MINUTE", "USAGE"),
    product("TD-USG-MSG-UG-102212", "Text Messages", "CONSUMPTION", "PER_MESSAGE", "USAGE"),
    product("TD-USG-TEL-UG-102213", "Phone Numbers", "CONSUMPTION", "EACH", "USAGE"),
    product("TD-USG-TEL-UG-102214", "Answering Machine Detection", "CONSUMPTION", "PER_USE", "USAGE"),
    product("TD-USG-API-UG-102215", "API Requests", "CONSUMPTION", "PER_API_CALL", "USAGE"),
    product("TD-USG-STO-UG-102216", "Recording Storage", "CONSUMPTION", "PER_GB", "USAGE"),
    product("TD-USG-TEL-UG-102217", "Dialer", "CONSUMPTION", "MINUTES", "USAGE"),
    product("TD-USG-AIX-UG-102220", "Speech Transcription", "CONSUMPTION", "MINUTES", "USAGE"),
    product("TD-USG-AIX-UG-102221", "Voicemail Transcription", "CONSUMPTION", "MINUTES", "USAGE"),
    product("TD-USG-DIG-UG-102222", "Digital Conversations", "CONSUMPTION", "PER_CONVERSATION", "USAGE"),
    product("TD-USG-AIX-UG-102223", "Virtual Agent", "CONSUMPTION", "PER_SESSION", "USAGE"),
    product("TD-USG-TEL-UG-102224", "Fax", "CONSUMPTION", "PER_PAGE", "USAGE"),
    product("TD-USG-AIX-UG-102225", "Translation", "CONSUMPTION", "CHARACTERS", "USAGE"),
    product("TD-USG-VID-UG-102226", "Video Rooms", "CONSUMPTION", "PER_SESSION", "USAGE"),
    product("TD-USG-AIX-UG-102227", "Autopilot Resolutions", "CONSUMPTION", "PER_INTERACTION", "USAGE"),
    product("TD-USG-AIX-UG-102228", "Bot Utterances", "CONSUMPTION", "PER_UTTERANCE", "USAGE"),
    product("TD-USG-SEC-UG-102229", "Identity", "CONSUMPTION", "PER_VALIDATION", "USAGE"),
    product("TD-CRD-COM-OT-102310", "Committed Credit", "CREDIT", "CREDITS", "ONE_TIME"),
    product("TD-CRD-USG-UG-102311", "Credit Usage", "CREDIT_USAGE", "CREDITS", "USAGE"),
    product("TD-FIN-RCH-OT-102410", "Wallet Recharge", "FINANCE", "CREDITS", "ONE_TIME_CHARGE"),
    product("TD-LEG-ADD-RC-100310", "Reporting Plus", "LEGACY_ADD_ON", "PER_SEAT", "RECURRING"),
    product("TD-LEG-LIC-RC-100110", "Professional Plus", "LEGACY_LICENSE", "PER_SEAT", "RECURRING"),
    product("TD-RAT-TEL-UG-102510", "Outbound Voice Rate", "PRODUCT_USAGE_RATE", "PER_MINUTE", "USAGE"),
    product("TD-SVC-IMP-OT-102610", "Implementation", "PROFESSIONAL_SERVICES", "EACH", "ONE_TIME"),
    product("TD-SUN-CTX-RC-100910", "Context", "SUNSET", "PER_SEAT", "RECURRING"),
    product("TD-APP-TPC-RC-102710", "AppConnect Surveys", "THIRD_PARTY_APPCONNECT", "PER_SEAT", "RECURRING"),
    product("TD-OTH-MIS-OT-102810", "Miscellaneous", "OTHER", "OTHER", "OTHER"),
    (DISCOUNT, "Loyalty Discount", None, None, None),
];

/// The placeholder of discounts.
pub(super) const DISCOUNT: &str = "TD-DIS-PLH-OT-102910";

/// Codes and names of what is paid for again and again.
pub(super) fn recurring() -> Vec<(&'static str, &'static str)> {
    let recurring = |product: &&Product| matches!(product.4, Some("RECURRING" | "FIXED_RECURRING"));
    PRODUCTS.iter().filter(recurring).map(|product| (product.0, product.1)).collect()
}

/// The name of a product.
pub(super) fn name(code: &str) -> &'static str {
    PRODUCTS.iter().find(|product| product.0 == code).map_or("", |product| product.1)
}

/// `listProducts`
pub(super) fn rows(view: &View) -> Vec<Value> {
    let wanted = PRODUCTS
        .iter()
        .filter(|(code, ..)| view.filter.matches(&|field: &str| (field == "id").then(|| (*code).to_owned())));
    wanted
        .map(|(code, name, family, unit, charge)| {
            json!({
                "id": code,
                "name": name,
                "family": family,
                "unit_of_measure": unit,
                "charge_type": charge,
            })
        })
        .collect()
}
