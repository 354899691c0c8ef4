//! Mutual TLS whose roots of trust are the pact's keys.
//!
//! A member's Ed25519 key is the issuer of its own short certificates: nothing else vouches for a node. The other side builds
//! its trust anchor from the pact alone (name and key), so no certificate authority and no file has to be passed around,
//! and a member struck from the pact is out at the next connection.
//!
//! Who a client is follows from which anchor verified it. To keep that unambiguous a peer may send exactly one
//! certificate: with an intermediate, a member could issue itself another member's name.

use rustls::pki_types::{
    CertificateDer, Der, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, TrustAnchor,
};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use std::sync::Arc;
use trust::{Member, MemberId, Pact};

/// Algorithm identifier and start of the bit string of an Ed25519 key (RFC 8410), inside a SubjectPublicKeyInfo.
const ED25519_SPKI: [u8; 10] = [0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
/// PKCS#8 (v1) around an Ed25519 seed (RFC 8410, section 7).
const ED25519_PKCS8: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// The node's own certificate and its key, made anew at every start and never written to disk.
#[derive(Clone)]
pub(crate) struct Own {
    chain: Vec<CertificateDer<'static>>,
    key: Arc<PrivatePkcs8KeyDer<'static>>,
}

/// The name in a member's certificates. `.tejido.internal` is no public domain.
pub(crate) fn dns_name(member: &MemberId) -> String {
    format!("{member}.tejido.internal")
}

impl Own {
    /// A P-256 certificate for this member, issued by its Ed25519 key, good from a day ago for about a year.
    pub(crate) fn issue(
        member: &MemberId,
        seed: &[u8; 32],
        today: jiff::civil::Date,
    ) -> Result<Own, rcgen::Error> {
        let mut issuer = rcgen::CertificateParams::default();
        issuer.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Constrained(0));
        issuer.distinguished_name = common_name(member);
        let pkcs8 = PrivatePkcs8KeyDer::from([&ED25519_PKCS8[..], seed].concat());
        let issuer_key =
            rcgen::KeyPair::from_pkcs8_der_and_sign_algo(&pkcs8, &rcgen::PKCS_ED25519)?;
        let issuer = rcgen::Issuer::new(issuer, issuer_key);

        let mut params = rcgen::CertificateParams::new(vec![dns_name(member)])?;
        params.distinguished_name = common_name(&MemberId(format!("{member} node")));
        params.extended_key_usages = vec![
            rcgen::ExtendedKeyUsagePurpose::ServerAuth,
            rcgen::ExtendedKeyUsagePurpose::ClientAuth,
        ];
        params.use_authority_key_identifier_extension = false;
        let day = |d: jiff::civil::Date| {
            rcgen::date_time_ymd(d.year().into(), d.month() as u8, d.day() as u8)
        };
        params.not_before = day(today.yesterday().unwrap_or(today));
        params.not_after = day(today.saturating_add(jiff::Span::new().days(397)));
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
        let certificate = params.signed_by(&key, &issuer)?;
        Ok(Own {
            chain: vec![certificate.der().clone()],
            key: Arc::new(PrivatePkcs8KeyDer::from(key.serialize_der())),
        })
    }
    fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(self.key.clone_key())
    }
}

fn common_name(member: &MemberId) -> rcgen::DistinguishedName {
    let mut name = rcgen::DistinguishedName::new();
    name.push(rcgen::DnType::CommonName, member.0.as_str());
    name
}

/// The trust anchor of a member: its name as X.501 common name, and its key. `None` when the pact's key is damaged or
/// the name too long for the short DER lengths used here (pacts are checked when opened, so neither happens).
fn anchor(member: &Member) -> Option<TrustAnchor<'static>> {
    let key = member.key.parse::<ledger::note::VerifierKey>().ok()?;
    let name = member.id.0.as_bytes();
    let short = |n: usize| u8::try_from(n).ok().filter(|n| *n < 0x70);
    let mut attribute = vec![0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, short(name.len())?];
    attribute.extend_from_slice(name);
    let mut sequence = vec![0x30, short(attribute.len())?];
    sequence.extend(attribute);
    let mut subject = vec![0x31, short(sequence.len())?];
    subject.extend(sequence);
    Some(TrustAnchor {
        subject: Der::from(subject),
        subject_public_key_info: Der::from([&ED25519_SPKI[..], &key.public()[..]].concat()),
        name_constraints: None,
    })
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// How to call one member: only its own key can vouch for the other side.
pub(crate) fn client(
    own: &Own,
    member: &Member,
) -> Result<(ClientConfig, ServerName<'static>), String> {
    let mut roots = RootCertStore::empty();
    roots
        .roots
        .push(anchor(member).ok_or("the pact's key of this member cannot be read")?);
    let verifier =
        rustls::client::WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
            .build()
            .map_err(|e| e.to_string())?;
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|e| e.to_string())?
        .with_webpki_verifier(verifier)
        .with_client_auth_cert(own.chain.clone(), own.key())
        .map_err(|e| e.to_string())?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    let name = ServerName::try_from(dns_name(&member.id)).map_err(|e| e.to_string())?;
    Ok((config, name))
}

/// How to be called by the members of a pact, and by nobody else.
pub(crate) fn server(own: &Own, pact: &Pact) -> Result<ServerConfig, String> {
    let mut roots = RootCertStore::empty();
    roots.roots.extend(pact.members.iter().filter_map(anchor));
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
        .build()
        .map_err(|e| e.to_string())?;
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|e| e.to_string())?
        .with_client_cert_verifier(verifier)
        .with_single_cert(own.chain.clone(), own.key())
        .map_err(|e| e.to_string())?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(config)
}

/// Which member a verified peer is: the issuer's name of its one certificate.
pub(crate) fn peer(certificates: Option<&[CertificateDer<'_>]>, pact: &Pact) -> Option<MemberId> {
    let [certificate] = certificates? else {
        return None;
    };
    let (_, certificate) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let issuer = certificate
        .issuer()
        .iter_common_name()
        .next()?
        .as_str()
        .ok()?;
    let id = MemberId(issuer.to_owned());
    pact.member(&id).map(|m| m.id.clone())
}
