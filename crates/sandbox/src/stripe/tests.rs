//! The published vector of the webhooks' signature.

#[test]
fn an_event_is_signed_as_the_vector_is() {
    let body = include_str!("../../tests/vectors/s1_event.json");
    let sign = |secret: &str| super::signature(secret, 1_767_323_045, body);
    assert_eq!(
        sign(crate::STRIPE_WEBHOOK_SECRET),
        "7c573a3c95f090e5c8c30b212dd793d220a7027526272690dc0a1638877f9e9d"
    );
    assert_ne!(sign("whsec_another"), sign(crate::STRIPE_WEBHOOK_SECRET));
}
