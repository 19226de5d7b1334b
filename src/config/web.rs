//! The web configuration: TLS, users and headers, in the format that Prometheus and its exporters share. What that format allows
//! and this exporter cannot do is a fault, never ignored.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hyper::header::{
    CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS, X_XSS_PROTECTION,
};
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, SupportedProtocolVersion};

use super::faults::Faults;
use super::fields::{Either, Fields};
use super::value::Value;
use super::{duration, file, shared};
use crate::serve::{
    self, Authority, CIPHER_SUITES, CURVES, ClientAuth, HIGHEST_COST, LOWEST_COST, RateLimit, Settings, Tls,
    Users,
};

/// Reads the web configuration file `path` and the files it names.
///
/// # Errors
/// Every fault of them.
pub fn load(path: &Path) -> Result<Settings, Faults> {
    let text = file::text(path, "there is no such file; --web.config.file names the web configuration")?;
    parse(path, &text)
}

/// Reads `text`, the content of the web configuration file `path`, which names the folder of relative paths.
pub(crate) fn parse(path: &Path, text: &str) -> Result<Settings, Faults> {
    file::parse(path, text, None, |root| {
        let mut settings = settings(root);
        settings.files.push(path.to_owned());
        settings
    })
}

fn settings(root: &Value) -> Settings {
    root.mapping(|fields| {
        let (tls, mut files) = (fields.get("tls_server_config"), Vec::new());
        let (http2, headers) = fields.get("http_server_config").mapping(|fields| {
            let http2 = fields.get("http2").boolean().unwrap_or(true);
            (http2, fields.get("headers").mapping(headers))
        });
        Settings {
            tls: if tls.is_set() && !tls.is_empty() { self::tls(&tls, http2, &mut files) } else { None },
            headers,
            users: Arc::new(users(&fields.get("basic_auth_users"))),
            rate_limit: fields.get("rate_limit").mapping(rate_limit),
            files,
        }
    })
}

fn tls(section: &Value, http2: bool, files: &mut Vec<PathBuf>) -> Option<Arc<ServerConfig>> {
    let tls = section.mapping(|fields| {
        let certificates = required_pem(fields, "cert", "cert_file", files, serve::certificates);
        let key = required_pem(fields, "key", "key_file", files, serve::private_key);
        let (client_auth, client_allowed_sans) = client_auth(fields, files);
        let versions = versions(fields);
        let suites = known(&fields.get("cipher_suites"), "cipher suite", &CIPHER_SUITES);
        let curves = known(&fields.get("curve_preferences"), "curve", &CURVES);
        let prefer_server_cipher_suites = fields.get("prefer_server_cipher_suites").boolean().unwrap_or(true);
        Some(Tls {
            certificates: certificates?,
            key: key?,
            client_auth: client_auth?,
            client_allowed_sans,
            versions,
            cipher_suites: suites,
            curves,
            prefer_server_cipher_suites,
            http2,
        })
    })?;
    serve::server_config(tls).map_err(|why| section.fault(format!("this does not fit together: {why}"))).ok()
}

/// What a PEM text holds, which stands in place or in a file.
fn pem<T>(
    fields: &mut Fields,
    key: &'static str,
    file_key: &'static str,
    files: &mut Vec<PathBuf>,
    parse: impl FnOnce(&[u8]) -> Result<T, String>,
) -> Option<T> {
    let (value, parsed) = match fields.either(key, file_key) {
        Either::First(value) => {
            let text = value.scalar("a PEM text", true)?.text;
            (value, parse(text.as_bytes()))
        }
        Either::Second(value) => {
            let path = shared::path(&value)?;
            let content = file::content(&path).map_err(|error| shared::unreadable(&error.to_string()));
            files.push(path);
            match content {
                Ok(content) => (value, parse(&content)),
                Err(message) => {
                    value.fault(message);
                    return None;
                }
            }
        }
        Either::Neither | Either::Both => return None,
    };
    parsed.map_err(|message| value.fault(message)).ok()
}

fn required_pem<T>(
    fields: &mut Fields,
    key: &'static str,
    file_key: &'static str,
    files: &mut Vec<PathBuf>,
    parse: impl FnOnce(&[u8]) -> Result<T, String>,
) -> Option<T> {
    if !fields.has(key) && !fields.has(file_key) {
        fields.fault(format!("missing {file_key} (or {key}), without which there is no TLS"));
    }
    pem(fields, key, file_key, files, parse)
}

/// What clients have to show, and the names of which one has to stand in their certificates.
fn client_auth(fields: &mut Fields, files: &mut Vec<PathBuf>) -> (Option<ClientAuth>, Vec<String>) {
    let kind = fields.get("client_auth_type");
    let expected = "NoClientCert, RequestClientCert, RequireAnyClientCert, VerifyClientCertIfGiven or RequireAndVerifyClientCert";
    let name = kind.text(expected).unwrap_or_default();
    let authorities = pem(fields, "client_ca", "client_ca_file", files, serve::certificates);
    let has_authorities = fields.has("client_ca") || fields.has("client_ca_file");
    let is_checked = matches!(name.as_str(), "VerifyClientCertIfGiven" | "RequireAndVerifyClientCert");
    if has_authorities && !is_checked {
        fields.fault(
            "client_ca and client_ca_file are only looked at with client_auth_type VerifyClientCertIfGiven or \
             RequireAndVerifyClientCert; choose one of these, or remove the certificates",
        );
    }
    if is_checked && !has_authorities {
        fields.fault(format!("{name} needs client_ca_file (or client_ca), which says whom to trust"));
    }
    let sans = fields.get("client_allowed_sans");
    let names = shared::texts(&sans, "a name that stands in a client's certificate");
    if sans.is_set() && names.is_empty() {
        sans.fault("expected at least one name; none would let nobody in");
    }
    if sans.is_set()
        && !matches!(
            name.as_str(),
            "RequireAnyClientCert" | "RequireClientCert" | "RequireAndVerifyClientCert"
        )
    {
        sans.fault("needs client_auth_type RequireAndVerifyClientCert (or RequireAnyClientCert)");
    }
    let verified =
        |required, authorities: Option<Vec<Authority>>| Some(ClientAuth::Verified(required, authorities?));
    let auth = match name.as_str() {
        "" | "NoClientCert" => Some(ClientAuth::None),
        "RequestClientCert" => Some(ClientAuth::Any(false)),
        "RequireAnyClientCert" | "RequireClientCert" => Some(ClientAuth::Any(true)),
        "VerifyClientCertIfGiven" => verified(false, authorities),
        "RequireAndVerifyClientCert" => verified(true, authorities),
        _ => {
            kind.parse(expected, |_| None::<()>);
            None
        }
    };
    (auth, names)
}

/// The versions that are spoken.
fn versions(fields: &mut Fields) -> Vec<&'static SupportedProtocolVersion> {
    let all = [(12, &TLS12), (13, &TLS13)];
    let version = |value: &Value| {
        value.check("TLS12 or TLS13", |text| match text {
            "TLS12" => Ok(12),
            "TLS13" => Ok(13),
            "TLS10" | "TLS11" => Err("a version that is broken and not supported".to_owned()),
            _ => Err("something else".to_owned()),
        })
    };
    let (lowest, highest) = (fields.get("min_version"), fields.get("max_version"));
    let (least, most) = (version(&lowest).unwrap_or(12), version(&highest).unwrap_or(13));
    if least > most {
        highest.fault("expected a version that is not below min_version");
    }
    all.into_iter()
        .filter(|(number, _)| (least..=most).contains(number))
        .map(|(_, version)| version)
        .collect()
}

/// The chosen ones of what has a name.
fn known<T: Copy>(value: &Value, what: &str, all: &[(&'static str, T)]) -> Vec<T> {
    let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
    let expected = format!("a {what} that this exporter has ({})", names.join(", "));
    let chosen = shared::list(value, &expected, |text| names.contains(&text).then(|| text.to_owned()));
    chosen
        .iter()
        .filter_map(|name| all.iter().find(|(known, _)| known == name))
        .map(|(_, one)| *one)
        .collect()
}

/// The headers that the format knows, and no others.
fn headers(fields: &mut Fields) -> HeaderMap {
    const NAMES: [(&str, HeaderName, &[&str]); 5] = [
        ("Strict-Transport-Security", STRICT_TRANSPORT_SECURITY, &[]),
        ("X-Content-Type-Options", X_CONTENT_TYPE_OPTIONS, &["nosniff"]),
        ("X-Frame-Options", X_FRAME_OPTIONS, &["deny", "sameorigin"]),
        ("X-XSS-Protection", X_XSS_PROTECTION, &[]),
        ("Content-Security-Policy", CONTENT_SECURITY_POLICY, &[]),
    ];
    let mut headers = HeaderMap::new();
    for (key, name, allowed) in NAMES {
        let value = fields.get(key);
        let expected =
            if allowed.is_empty() { "the text of a header".to_owned() } else { allowed.join(" or ") };
        let text = value.parse(&expected, |text| {
            let is_allowed = allowed.is_empty() || allowed.contains(&text);
            is_allowed.then(|| HeaderValue::from_str(text).ok()).flatten()
        });
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            headers.insert(name, text);
        }
    }
    headers
}

fn users(section: &Value) -> Users {
    let mut hashes = HashMap::new();
    for (name, value) in section.entries("a mapping of user names to bcrypt hashes") {
        if name.contains(':') {
            value.fault("expected a user name without a colon, which no client could send");
        }
        let expected = "a bcrypt hash, as `htpasswd -nBC 10 \"\"` prints it";
        if !value.is_set() {
            value.fault(format!("missing; expected {expected}"));
        }
        let Some(hash) = value.scalar(expected, true) else { continue };
        match serve::cost(&hash.text) {
            Ok(cost) if (LOWEST_COST..=HIGHEST_COST).contains(&cost) => {
                hashes.insert(name.to_owned(), hash.text.into_owned());
            }
            Ok(cost) => value.fault(format!(
                "expected a bcrypt hash of a cost from {LOWEST_COST} to {HIGHEST_COST}, found one of {cost}; each step doubles the \
                 time that a check takes"
            )),
            Err(why) => value.fault(format!("expected {expected}, found something else ({why})")),
        }
    }
    Users::new(hashes)
}

fn rate_limit(fields: &mut Fields) -> Option<RateLimit> {
    let interval =
        fields.get("interval").parse("a duration in h, m, s and ms such as 1s or 100ms, or 0", |text| {
            // Days and longer are unknown to the readers of this format.
            duration::parse(text).filter(|_| !text.contains(['d', 'w', 'y']))
        });
    let burst = fields.get("burst");
    let requests = burst.number(&(0..=1_000_000_u32));
    let interval = interval.filter(|interval| *interval > Duration::ZERO)?;
    let requests = NonZeroU32::new(requests.unwrap_or(0));
    if requests.is_none() {
        burst.fault("expected a number of requests above 0; with none nobody would be answered");
    }
    RateLimit::new(interval, requests?)
}
