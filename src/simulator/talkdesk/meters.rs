//! What is metered: each entry makes a row for every combination of its directions, resolutions and places.

/// A kind of usage.
#[derive(Debug, Clone, Copy)]
pub(super) struct Meter {
    pub(super) product: &'static str,
    pub(super) aggregate: &'static str,
    /// The `type` of its rows.
    pub(super) kind: &'static str,
    pub(super) text: &'static str,
    pub(super) unit: &'static str,
    pub(super) wallet: Option<&'static str>,
    pub(super) price: f64,
    pub(super) volume: Volume,
    pub(super) directions: &'static [Option<&'static str>],
    pub(super) resolutions: &'static [Option<&'static str>],
    /// Where to or from, and the factor of the price.
    pub(super) places: &'static [(&'static str, f64)],
    /// Nobody used it before the world began.
    pub(super) is_new: bool,
}

/// Units of one row, for an account of ordinary size.
#[derive(Debug, Clone, Copy)]
pub(super) enum Volume {
    /// On a working day; they add up over the month.
    Daily(f64),
    /// For the month, known on its first day.
    Monthly(f64),
}

const VOICE: &str = "TD-USG-TEL-UG-102200";
const DIGITAL: &str = "TD-USG-DIG-UG-102201";
const INTELLIGENCE: &str = "TD-USG-AIX-UG-102202";
const MONEY: &str = "TD-FIN-AGG-OT-102203";

const INBOUND: Option<&str> = Some("INBOUND");
const OUTBOUND: Option<&str> = Some("OUTBOUND");

const fn meter(product: &'static str, kind: &'static str, unit: &'static str, text: &'static str) -> Meter {
    Meter {
        product,
        aggregate: VOICE,
        kind,
        text,
        unit,
        wallet: None,
        price: 0.0,
        volume: Volume::Monthly(0.0),
        directions: &[None],
        resolutions: &[None],
        places: &[("", 1.0)],
        is_new: false,
    }
}

impl Meter {
    const fn daily(self, units: f64, price: f64) -> Self {
        Self { volume: Volume::Daily(units), price, ..self }
    }

    const fn monthly(self, units: f64, price: f64) -> Self {
        Self { volume: Volume::Monthly(units), price, ..self }
    }

    const fn part_of(self, aggregate: &'static str, wallet: Option<&'static str>) -> Self {
        Self { aggregate, wallet, ..self }
    }

    const fn going(self, directions: &'static [Option<&'static str>]) -> Self {
        Self { directions, ..self }
    }

    const fn ending(self, resolutions: &'static [Option<&'static str>]) -> Self {
        Self { resolutions, ..self }
    }

    const fn places(self, places: &'static [(&'static str, f64)]) -> Self {
        Self { places, ..self }
    }

    const fn recent(self) -> Self {
        Self { is_new: true, ..self }
    }
}

/// All of it, with one type that the vendor's documents do not know.
pub(super) const METERS: [Meter; 22] = [
    meter("TD-USG-TEL-UG-102210", "CALL", "MINUTES", "Outbound call")
        .daily(160.0, 0.018)
        .part_of(VOICE, Some("contact center"))
        .going(&[OUTBOUND])
        .ending(&[Some("ANSWERED"), Some("MISSED"), Some("VOICEMAIL"), Some("MACHINE")])
        .places(&[
            ("US", 1.0),
            ("Canada", 1.1),
            ("United Kingdom", 1.3),
            ("Germany", 1.4),
            ("France", 1.5),
            ("Portugal", 1.7),
            ("Brazil", 2.4),
        ]),
    meter("TD-USG-TEL-UG-102210", "CALL", "MINUTES", "Outbound call, credit")
        .daily(20.0, 0.016)
        .part_of(VOICE, Some("prepaid"))
        .going(&[OUTBOUND])
        .ending(&[Some("ANSWERED")]),
    meter("TD-USG-TEL-UG-102211", "CALL", "MINUTES", "Inbound call")
        .daily(240.0, 0.011)
        .part_of(VOICE, Some("contact center"))
        .going(&[INBOUND])
        .ending(&[Some("ANSWERED"), Some("ABANDONED"), Some("MISSED"), Some("VOICEMAIL")])
        .places(&[("US", 1.0), ("United Kingdom", 1.2), ("Germany", 1.3), ("Portugal", 1.5)]),
    meter("TD-USG-MSG-UG-102212", "MESSAGE", "SEGMENTS", "SMS")
        .daily(90.0, 0.009)
        .part_of(DIGITAL, Some("messaging"))
        .going(&[INBOUND, OUTBOUND])
        .places(&[("US", 1.0), ("Canada", 1.0), ("United Kingdom", 4.2), ("Germany", 8.1)]),
    meter("TD-USG-TEL-UG-102213", "NUMBER", "NUMBERS", "SIP Number").monthly(12.0, 1.5).places(&[
        ("US", 1.0),
        ("Canada", 1.0),
        ("United Kingdom", 1.2),
        ("Germany", 2.0),
        ("Portugal", 3.0),
    ]),
    meter("TD-USG-TEL-UG-102214", "AMD", "REQUESTS", "Answering machine detection")
        .daily(300.0, 0.006)
        .going(&[OUTBOUND])
        .ending(&[Some("MACHINE"), Some("OTHER")]),
    meter("TD-USG-API-UG-102215", "API_REQUEST", "REQUESTS", "API requests")
        .daily(20_000.0, 0.0001)
        .part_of(DIGITAL, None),
    meter("TD-USG-STO-UG-102216", "CALL_SERVICE", "GB", "Recording storage").daily(1.4, 0.5),
    meter("TD-USG-TEL-UG-102217", "DIALER", "MINUTES", "Predictive dialer")
        .daily(400.0, 0.004)
        .part_of(VOICE, Some("contact center"))
        .going(&[OUTBOUND]),
    meter("TD-USG-AIX-UG-102220", "SPEECH_TRANSCRIPTION", "SECONDS", "Call transcription")
        .daily(52_000.0, 0.0002)
        .part_of(INTELLIGENCE, Some("ai"))
        .going(&[INBOUND, OUTBOUND, Some("OTHER")]),
    meter("TD-USG-AIX-UG-102220", "SPEECH_TRANSCRIPTION", "MINUTES", "Meeting transcription")
        .daily(35.0, 0.012)
        .part_of(INTELLIGENCE, Some("ai")),
    meter("TD-USG-AIX-UG-102221", "VOICEMAIL_TRANSCRIPTION", "SECONDS", "Voicemail transcription")
        .daily(4200.0, 0.0003)
        .part_of(INTELLIGENCE, Some("ai"))
        .going(&[INBOUND]),
    meter("TD-USG-DIG-UG-102222", "PRODUCT_SERVICE", "CONVERSATIONS", "Digital conversation")
        .daily(210.0, 0.04)
        .part_of(DIGITAL, Some("messaging"))
        .places(&[("WhatsApp", 1.0), ("chat", 0.6), ("e-mail", 0.4)]),
    meter("TD-USG-AIX-UG-102223", "PRODUCT_SERVICE", "SESSIONS", "Virtual agent")
        .daily(130.0, 0.08)
        .part_of(INTELLIGENCE, Some("ai")),
    meter("TD-USG-TEL-UG-102224", "PRODUCT_SERVICE", "PAGES", "Fax").daily(6.0, 0.05),
    meter("TD-USG-AIX-UG-102225", "PRODUCT_SERVICE", "CHARS", "Translation")
        .daily(90_000.0, 0.000_02)
        .part_of(INTELLIGENCE, Some("ai")),
    meter("TD-USG-AIX-UG-102227", "PRODUCT_SERVICE", "CONVERSATIONS", "Autopilot resolution")
        .daily(22.0, 0.9)
        .part_of(INTELLIGENCE, Some("ai"))
        .recent(),
    meter("TD-USG-SEC-UG-102229", "OTHER", "OTHER", "Caller validation").daily(45.0, 0.03),
    meter("TD-USG-VID-UG-102226", "VIDEO_ROOM", "SESSIONS", "Video room").daily(18.0, 0.12),
    meter("TD-CRD-USG-UG-102311", "OTHER", "OTHER", "Credit usage")
        .daily(3.0, 1.0)
        .part_of(MONEY, Some("prepaid")),
    meter("TD-CRD-COM-OT-102310", "CREDIT_COMMIT", "OTHER", "Committed credit")
        .monthly(1.0, -750.0)
        .part_of(MONEY, Some("prepaid")),
    meter("TD-FIN-RCH-OT-102410", "RECHARGE", "OTHER", "Wallet recharge")
        .monthly(2.0, 250.0)
        .part_of(MONEY, Some("prepaid")),
];
