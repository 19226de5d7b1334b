//! TLS as the web configuration wants it, by rustls: TLS 1.2 and 1.3 with their modern cipher suites.

use std::net::IpAddr;
use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::aws_lc_rs::{self, cipher_suite as suite, kx_group};
use rustls::crypto::{CryptoProvider, SupportedKxGroup, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, ServerConfig,
    SignatureScheme, SupportedCipherSuite, SupportedProtocolVersion,
};
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;

/// HTTP/2 as a handshake names it.
pub(super) const HTTP2: &[u8] = b"h2";
const HTTP1: &[u8] = b"http/1.1";

/// The cipher suites of TLS 1.2, as Go names them. Those of TLS 1.3 are always on, as in Go.
pub const CIPHER_SUITES: [(&str, Option<SupportedCipherSuite>); 9] = [
    ("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", Some(suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384)),
    ("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", Some(suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256)),
    (
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        Some(suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256),
    ),
    ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", Some(suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384)),
    ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", Some(suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256)),
    ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", Some(suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256)),
    ("TLS_AES_128_GCM_SHA256", None),
    ("TLS_AES_256_GCM_SHA384", None),
    ("TLS_CHACHA20_POLY1305_SHA256", None),
];

const ALWAYS: [SupportedCipherSuite; 3] =
    [suite::TLS13_AES_128_GCM_SHA256, suite::TLS13_AES_256_GCM_SHA384, suite::TLS13_CHACHA20_POLY1305_SHA256];

/// The curves, as Go names them.
pub const CURVES: [(&str, &dyn SupportedKxGroup); 3] =
    [("X25519", kx_group::X25519), ("CurveP256", kx_group::SECP256R1), ("CurveP384", kx_group::SECP384R1)];

/// What the web configuration says about TLS.
pub struct Tls {
    /// The server's certificate and those between it and its authority.
    pub certificates: Vec<CertificateDer<'static>>,
    /// Its key.
    pub key: PrivateKeyDer<'static>,
    /// What clients have to show.
    pub client_auth: ClientAuth,
    /// One of these names has to stand in the client's certificate, unless there are none.
    pub client_allowed_sans: Vec<String>,
    /// The versions that are spoken.
    pub versions: Vec<&'static SupportedProtocolVersion>,
    /// Suites of [`CIPHER_SUITES`]; none are the usual ones.
    pub cipher_suites: Vec<Option<SupportedCipherSuite>>,
    /// Curves of [`CURVES`]; none are the usual ones.
    pub curves: Vec<&'static dyn SupportedKxGroup>,
    /// Whether the order of `cipher_suites` decides, and not the client's.
    pub prefer_server_cipher_suites: bool,
    /// Whether HTTP/2 is offered.
    pub http2: bool,
}

/// What clients have to show. `bool`: whether those without a certificate are refused.
pub enum ClientAuth {
    /// Nothing.
    None,
    /// Any certificate, whoever signed it, whose key the client has.
    Any(bool),
    /// A certificate signed by one of these authorities.
    Verified(bool, Vec<Authority>),
}

/// The certificate of an authority.
pub type Authority = CertificateDer<'static>;

/// The certificates in a PEM text.
///
/// # Errors
/// When it has none, or a broken one.
pub fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match certificates {
        Ok(certificates) if certificates.is_empty() => {
            Err("expected a certificate in PEM form, found none".to_owned())
        }
        Ok(certificates) => match certificates.iter().find_map(|one| parse_x509_certificate(one).err()) {
            Some(_) => Err("expected a certificate in PEM form, found a broken one".to_owned()),
            None => Ok(certificates),
        },
        Err(_) => Err("expected a certificate in PEM form, found a broken one".to_owned()),
    }
}

/// The first private key in a PEM text.
///
/// # Errors
/// When it has none, or a broken one. The message does not repeat it.
pub fn private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    let key = PrivateKeyDer::from_pem_slice(pem).map_err(|_| {
        "expected a private key in PEM form (PKCS #8, PKCS #1 or SEC 1) without a passphrase, found none"
            .to_owned()
    })?;
    match aws_lc_rs::sign::any_supported_type(&key) {
        Ok(_) => Ok(key),
        Err(_) => Err("expected a private key for RSA, ECDSA or Ed25519, found another one".to_owned()),
    }
}

/// What rustls makes of it.
///
/// # Errors
/// When the parts do not fit each other.
pub fn server_config(tls: Tls) -> Result<Arc<ServerConfig>, String> {
    let mut provider = aws_lc_rs::default_provider();
    if !tls.cipher_suites.is_empty() {
        provider.cipher_suites = ALWAYS.into_iter().chain(tls.cipher_suites.into_iter().flatten()).collect();
    }
    if !tls.curves.is_empty() {
        provider.kx_groups = tls.curves;
    }
    let provider = Arc::new(provider);
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&tls.versions)
        .map_err(|error| error.to_string())?;
    let verifier = verifier(tls.client_auth, tls.client_allowed_sans, provider)?;
    let mut config = builder
        .with_client_cert_verifier(verifier)
        .with_single_cert(tls.certificates, tls.key)
        .map_err(|error| match error {
            Error::InconsistentKeys(_) => "the key is not that of the certificate".to_owned(),
            error => error.to_string(),
        })?;
    config.ignore_client_order = tls.prefer_server_cipher_suites;
    config.alpn_protocols =
        if tls.http2 { vec![HTTP2.to_vec(), HTTP1.to_vec()] } else { vec![HTTP1.to_vec()] };
    Ok(Arc::new(config))
}

fn verifier(
    auth: ClientAuth,
    sans: Vec<String>,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, String> {
    let (is_required, verifier) = match auth {
        ClientAuth::None => return Ok(WebPkiClientVerifier::no_client_auth()),
        ClientAuth::Any(is_required) => (is_required, None),
        ClientAuth::Verified(is_required, authorities) => {
            let mut roots = RootCertStore::empty();
            for authority in authorities {
                roots
                    .add(authority)
                    .map_err(|error| format!("a certificate that cannot be an authority: {error}"))?;
            }
            let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
            let builder = if is_required { builder } else { builder.allow_unauthenticated() };
            (is_required, Some(builder.build().map_err(|error| error.to_string())?))
        }
    };
    Ok(Arc::new(Verifier { is_required, verifier, sans, provider }))
}

/// Checks a client's certificate as far as it was asked for, and in any case that the client has its key.
#[derive(Debug)]
struct Verifier {
    is_required: bool,
    /// Checks who signed it.
    verifier: Option<Arc<dyn ClientCertVerifier>>,
    /// Names of which it must have one, unless there are none.
    sans: Vec<String>,
    provider: Arc<CryptoProvider>,
}

impl ClientCertVerifier for Verifier {
    fn client_auth_mandatory(&self) -> bool {
        self.is_required
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.verifier.as_ref().map_or(&[], |verifier| verifier.root_hint_subjects())
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if let Some(verifier) = &self.verifier {
            verifier.verify_client_cert(certificate, intermediates, now)?;
        }
        if self.sans.is_empty() || has_one_of(certificate, &self.sans)? {
            Ok(ClientCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Whether one of the names of the certificate (DNS name, e-mail, address, URI) is exactly one of these.
fn has_one_of(certificate: &CertificateDer<'_>, allowed: &[String]) -> Result<bool, Error> {
    let broken = |_| Error::from(CertificateError::BadEncoding);
    let (_, certificate) = parse_x509_certificate(certificate).map_err(broken)?;
    let Some(extension) =
        certificate.subject_alternative_name().map_err(|_| CertificateError::BadEncoding)?
    else {
        return Ok(false);
    };
    Ok(extension.value.general_names.iter().any(|name| match name {
        GeneralName::DNSName(text) | GeneralName::RFC822Name(text) | GeneralName::URI(text) => {
            allowed.iter().any(|one| one == text)
        }
        GeneralName::IPAddress(bytes) => address(bytes).is_some_and(|ip| allowed.contains(&ip.to_string())),
        _ => false,
    }))
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(bytes) = <[u8; 4]>::try_from(bytes) {
        return Some(bytes.into());
    }
    <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from)
}
