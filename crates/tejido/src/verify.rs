//! Checking a receipt offline: `tejido verify`. Needs the receipt, the keys one trusts, and nothing else.

use crate::{Error, files};
use ledger::VerifierKey;
use ledger::note::KeyKind;
use ledger::receipt::{NotVerified, Part, Verified};
use std::path::Path;
use trust::{Lang, Pact};

/// The keys of all members of a signed pact, and the same as witnesses.
///
/// # Errors
/// When the pact is not good.
pub fn pact_keys(path: &Path) -> Result<Vec<VerifierKey>, Error> {
    let (pact, _) = Pact::open(&files::read_text(path)?)?;
    let keys = pact.members.iter().flat_map(|member| {
        let former = member.former.iter().map(|former| &former.key);
        std::iter::once(&member.key)
            .chain(former)
            .map(|key| Ok(key.parse()?))
    });
    Ok(with_witnesses(keys.collect::<Result<_, Error>>()?))
}

/// Keys given as text.
///
/// # Errors
/// When one is no key.
pub fn keys(texts: &[String]) -> Result<Vec<VerifierKey>, Error> {
    let keys = texts.iter().map(|text| Ok(text.trim().parse()?));
    Ok(with_witnesses(keys.collect::<Result<_, Error>>()?))
}

fn with_witnesses(keys: Vec<VerifierKey>) -> Vec<VerifierKey> {
    let witnesses: Vec<_> = keys
        .iter()
        .filter(|key| key.kind() == KeyKind::Ed25519)
        .map(VerifierKey::cosigner)
        .collect();
    [keys, witnesses].concat()
}

/// Judges a receipt's text; gives what to say, and whether it holds.
pub fn judge(text: &str, known: &[VerifierKey], lang: Lang) -> (bool, Vec<String>) {
    match ledger::receipt::verify(text, known) {
        Ok(verified) => (true, holds(&verified, lang)),
        Err(why) => (false, fails(&why, lang)),
    }
}

fn holds(verified: &Verified, lang: Lang) -> Vec<String> {
    let Verified { head, index, .. } = verified;
    let (place, size, log) = (index + 1, head.size, &head.origin);
    let mut said = match lang {
        Lang::Es => vec![
            "El comprobante es válido.".to_owned(),
            format!(
                "El acto es el número {place} de {size} en la bitácora «{log}», firmada por su nodo. Si alguien lo quita o lo cambia, esta prueba lo delata."
            ),
        ],
        Lang::En => vec![
            "The receipt holds.".to_owned(),
            format!(
                "The act is number {place} of {size} in the log \"{log}\", signed by its node. Whoever drops or alters it is given away by this proof."
            ),
        ],
    };
    let witnesses: Vec<String> = verified
        .signers
        .iter()
        .filter(|signer| signer.key.kind() == KeyKind::Cosignature)
        .map(|signer| signer.key.name().to_owned())
        .collect();
    if !witnesses.is_empty() {
        let names = witnesses.join(", ");
        said.push(match lang {
            Lang::Es => format!("También lo atestiguan: {names}."),
            Lang::En => format!("Also witnessed by: {names}."),
        });
    }
    said.push(match (&verified.act, lang) {
        (None, Lang::Es) => "El comprobante no muestra el acto, solo que existe.".to_owned(),
        (None, Lang::En) => "The receipt does not show the act, only that there is one.".to_owned(),
        (Some(act), lang) => {
            let text = String::from_utf8_lossy(act);
            match lang {
                Lang::Es => format!("El acto, como quedó escrito:\n{text}"),
                Lang::En => format!("The act as it was written:\n{text}"),
            }
        }
    });
    said
}

fn fails(why: &NotVerified, lang: Lang) -> Vec<String> {
    let said = match (why.what, lang) {
        (Part::Form, Lang::Es) => {
            "No se puede leer el comprobante: está incompleto o no es uno. Pídelo otra vez a la institución."
        }
        (Part::Form, Lang::En) => {
            "The receipt cannot be read: it is incomplete or is none. Ask the institution for it again."
        }
        (Part::Act, Lang::Es) => {
            "El acto que muestra no es el que está en la bitácora: alguien lo cambió."
        }
        (Part::Act, Lang::En) => {
            "The act that it shows is not the one in the log: somebody altered it."
        }
        (Part::Head, Lang::Es) => {
            "Ninguna de las llaves dadas firmó esta bitácora, o la firma no corresponde. Usa la llave o el pacto de la institución."
        }
        (Part::Head, Lang::En) => {
            "None of the given keys signed this log, or the signature does not fit. Use the institution's key or the pact."
        }
        (Part::Proof, Lang::Es) => {
            "La prueba no lleva del acto a la bitácora firmada: el acto no está en ese lugar."
        }
        (Part::Proof, Lang::En) => {
            "The proof does not lead from the act to the signed log: the act is not at that place."
        }
    };
    let head = match lang {
        Lang::Es => "El comprobante NO es válido.",
        Lang::En => "The receipt does NOT hold.",
    };
    vec![head.to_owned(), said.to_owned(), format!("({why})")]
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::{Log, Opening, Receipt, SigningKey};
    use std::collections::BTreeMap;

    fn receipt(key: &SigningKey) -> String {
        let mut rows = BTreeMap::new();
        let opening = Opening {
            salt: [4; 32],
            act: b"Dr. Ruiz saw the allergies".to_vec(),
        };
        let mut log = Log::new(key.clone());
        let leaves = [[1; 32], opening.commitment(), [2; 32]];
        let appended = log.append(&leaves, &|_| None).unwrap();
        rows.extend(appended.rows);
        let get = |key: &[u8]| rows.get(key).cloned();
        Receipt::issue(1, Some(opening), &get).unwrap().to_string()
    }

    #[test]
    fn a_receipt_holds_under_its_log_s_key_and_under_no_other() {
        let key = SigningKey::from_seed("imss.example/imss", [7; 32]).unwrap();
        let text = receipt(&key);
        let known = keys(&[key.verifier().to_string()]).unwrap();
        let (good, said) = judge(&text, &known, Lang::En);
        assert!(good);
        let said = said.join("\n");
        assert!(
            said.contains("number 2 of 3") && said.contains("saw the allergies"),
            "{said}"
        );

        let other = SigningKey::from_seed("imss.example/imss", [8; 32]).unwrap();
        let other = keys(&[other.verifier().to_string()]).unwrap();
        let (good, said) = judge(&text, &other, Lang::Es);
        assert!(!good);
        assert!(said.join("\n").contains("NO es válido"));
    }

    #[test]
    fn a_changed_receipt_says_which_part_fails() {
        let key = SigningKey::from_seed("imss.example/imss", [7; 32]).unwrap();
        let text = receipt(&key);
        let known = keys(&[key.verifier().to_string()]).unwrap();
        let table = [
            (text.replace("index 1", "index 2"), "not at that place"),
            (
                text.replace("tlog-proof@v1", "tlog-proof@v2"),
                "cannot be read",
            ),
            (text.chars().take(300).collect(), "cannot be read"),
        ];
        for (changed, expected) in table {
            let (good, said) = judge(&changed, &known, Lang::En);
            assert!(!good && said.join("\n").contains(expected), "{said:?}");
        }
    }
}
