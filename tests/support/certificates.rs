//! Certificates made for one test.

use std::net::IpAddr;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType};

/// An authority of a test's own.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key in PEM form.
pub struct Identity {
    pub certificate: String,
    pub key: String,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(params, key).expect("a certificate"))
    }

    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for names, addresses, `mailto:` addresses and URIs.
    pub fn sign(&self, names: &[&str]) -> Identity {
        let mut params = CertificateParams::default();
        params.subject_alt_names = names.iter().map(|name| san(name)).collect();
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.0).expect("a certificate");
        Identity { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

fn san(name: &str) -> SanType {
    let text = |text: &str| text.to_owned().try_into().expect("ASCII");
    match (name.parse::<IpAddr>(), name.strip_prefix("mailto:")) {
        (Ok(address), _) => SanType::IpAddress(address),
        (_, Some(address)) => SanType::Rfc822Name(text(address)),
        _ if name.contains("://") => SanType::URI(text(name)),
        _ => SanType::DnsName(text(name)),
    }
}
