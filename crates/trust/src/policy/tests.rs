use super::*;

fn doctor() -> Circumstances {
    Circumstances {
        actor: "ana".into(),
        institution: MemberId("farmacia".into()),
        holder: MemberId("imss".into()),
        scope: "person",
        purpose: "TREAT",
        evidence: vec!["check-in"],
        role: "physician",
        licence_state: "active",
        institution_kind: "pharmacy",
        via_other_member: true,
        own_record: false,
        helped: false,
        reviews_overdue: false,
        named: None,
        acting: None,
        delegated: None,
        own_cedula: false,
    }
}

#[test]
fn the_policies_a_pact_starts_from_fit_the_schema() {
    Rulebook::parse(DEFAULT).unwrap();
}

#[test]
fn a_doctor_with_a_check_in_reads_and_is_told_by_which_policy() {
    let ruling = Rulebook::parse(DEFAULT).unwrap().ask(READ, &doctor());
    assert!(ruling.allowed);
    assert_eq!(ruling.because, ["care-reads"]);
}

#[test]
fn without_evidence_nothing_permits() {
    let ruling = Rulebook::parse(DEFAULT).unwrap().ask(
        READ,
        &Circumstances {
            evidence: vec![],
            ..doctor()
        },
    );
    assert_eq!((ruling.allowed, ruling.because.len()), (false, 0));
}

#[test]
fn a_suspended_licence_forbids_and_says_so() {
    let ruling = Rulebook::parse(DEFAULT).unwrap().ask(
        READ,
        &Circumstances {
            licence_state: "suspended",
            ..doctor()
        },
    );
    assert!(!ruling.allowed);
    assert_eq!(ruling.because, ["licence-not-active"]);
    assert_eq!(ruling.refusal.as_deref(), Some("licence"));
}

#[test]
fn a_pharmacist_sees_medicines_and_allergies_of_the_kinds() {
    let rulebook = Rulebook::parse(DEFAULT).unwrap();
    let (open, _) = rulebook.sees(&Circumstances {
        role: "pharmacist",
        ..doctor()
    });
    let kinds: Vec<Category> = open.into_iter().filter(|c| (*c as u8) < 16).collect();
    assert_eq!(kinds, [Category::Medicines, Category::Allergies]);
    assert_eq!(rulebook.sees(&doctor()).0.len(), Category::ALL.len());
}

#[test]
fn policies_that_do_not_fit_are_refused_with_a_sentence() {
    let check = |text: &str, says: &str| {
        let error = Rulebook::parse(text).unwrap_err();
        assert!(error.contains(says), "{error}");
    };
    check("permit (principal, action, resource);", "@id");
    check("permit (principal", "policies");
    check(
        r#"@id("a") permit (principal, action, resource) when { context.weather == "fine" };"#,
        "schema",
    );
    check(
        r#"@id("a") permit (principal, action == Action::"fly", resource);"#,
        "schema",
    );
    check(
        r#"@id("a") permit (principal, action, resource); @id("a") forbid (principal, action, resource);"#,
        "share a name",
    );
    check(
        r#"@id("a") permit (principal == ?principal, action, resource);"#,
        "template",
    );
}
