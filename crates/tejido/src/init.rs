//! A new node's folder: `tejido init`.

use crate::{Error, config, files, keys};
use std::path::{Path, PathBuf};
use trust::{Member, MemberId, MemberKind};

/// Names of the files in a node's folder.
pub mod names {
    /// The configuration.
    pub const CONFIG: &str = "node.toml";
    /// The node's private key. Secret.
    pub const KEY: &str = "node.key";
    /// The archive's master key. Secret.
    pub const MASTER_KEY: &str = "master.key";
    /// What this member shows the others before a pact is made.
    pub const MEMBER: &str = "member.toml";
    /// The secret that all members of a network share. Secret.
    pub const NETWORK_SECRET: &str = "network.secret";
    /// The signed pact.
    pub const PACT: &str = "pact";
    /// The certificate of the public door.
    pub const CERTIFICATE: &str = "https.crt";
    /// Its private key. Secret.
    pub const CERTIFICATE_KEY: &str = "https.key";
    /// The archive.
    pub const DATA: &str = "data";
}

/// The node that is to be made.
#[derive(Clone, Debug)]
pub struct NewNode {
    /// Its short name.
    pub member: MemberId,
    /// Its name as people say it.
    pub name: String,
    /// What it is.
    pub kind: MemberKind,
    /// Where other nodes find it: `host:port`.
    pub address: String,
    /// Where people find it: `https://host:port`.
    pub public: String,
    /// A certificate chain and its key, as PEM files; a self-signed one is made without.
    pub certificate: Option<(PathBuf, PathBuf)>,
}

/// Makes the folder: configuration, key, certificate, and the entry for the pact, which it gives back.
///
/// # Errors
/// When the folder holds a node already or cannot be written, or the node's entry would not fit a pact.
pub fn create(dir: &Path, node: &NewNode) -> Result<Member, Error> {
    std::fs::create_dir_all(dir).map_err(|e| Error::io(dir, e))?;
    let host = host(&node.public)?;
    let key = keys::generate(&format!("{host}/{}", node.member))?;
    let member = Member {
        id: node.member.clone(),
        name: node.name.clone(),
        kind: node.kind,
        key: key.verifier().to_string(),
        address: node.address.clone(),
        public: node.public.trim_end_matches('/').to_owned(),
        former: Vec::new(),
    };
    // A pact of one tells at once what no pact would take.
    trust::pact::sign(
        &crate::pact::founding("check", 1, vec![member.clone()]),
        &key,
    )?;
    let (certificate, certificate_key) = match &node.certificate {
        Some((certificate, key)) => (absolute(certificate)?, absolute(key)?),
        None => {
            let (certificate, key) = self_signed(&host)?;
            files::write_private(&dir.join(names::CERTIFICATE_KEY), key.as_bytes())?;
            files::write_public(&dir.join(names::CERTIFICATE), certificate.as_bytes())?;
            (names::CERTIFICATE.into(), names::CERTIFICATE_KEY.into())
        }
    };
    let skey = format!("{}\n", key.to_skey()?.expose());
    files::write_private(&dir.join(names::KEY), skey.as_bytes())?;
    store::FileKey::create(&dir.join(names::MASTER_KEY))?;
    files::write_public(&dir.join(names::MEMBER), entry(&member)?.as_bytes())?;
    let text = config::template(&member, &certificate, &certificate_key);
    files::write_public(&dir.join(names::CONFIG), text.as_bytes())?;
    Ok(member)
}

/// A member's entry as text.
///
/// # Errors
/// Never for a member that a pact would take.
pub fn entry(member: &Member) -> Result<String, Error> {
    toml::to_string(member).map_err(|error| Error::say(error.to_string()))
}

/// A self-signed P-256 certificate for a host and its key, as PEM. Browsers warn of it; machines must be told to trust
/// exactly this one.
///
/// # Errors
/// When the host is no name that a certificate can bear.
pub fn self_signed(host: &str) -> Result<(String, String), Error> {
    let wrong = |error: rcgen::Error| Error::say(format!("no certificate for {host:?}: {error}"));
    let bare = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .to_owned();
    let mut params = rcgen::CertificateParams::new(vec![bare]).map_err(wrong)?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, format!("Tejido {host}"));
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    let today = jiff::Zoned::now().date();
    let day = |d: jiff::civil::Date| {
        rcgen::date_time_ymd(d.year().into(), d.month() as u8, d.day() as u8)
    };
    params.not_before = day(today.yesterday().unwrap_or(today));
    params.not_after = day(today.saturating_add(jiff::Span::new().days(397)));
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).map_err(wrong)?;
    let certificate = params.self_signed(&key).map_err(wrong)?;
    Ok((certificate.pem(), key.serialize_pem()))
}

/// The host of `https://host:port`.
fn host(public: &str) -> Result<String, Error> {
    let rest = public.strip_prefix("https://").ok_or_else(|| {
        Error::say(format!(
            "--public {public:?} must be https://host or https://host:port"
        ))
    })?;
    let rest = rest.trim_end_matches('/');
    let host = match rest.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => rest,
    };
    Ok(host.to_owned())
}

fn absolute(path: &Path) -> Result<PathBuf, Error> {
    std::path::absolute(path).map_err(|e| Error::io(path, e))
}
