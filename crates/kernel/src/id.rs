//! Typed ids. Each wraps a UUID version 7 (RFC 9562), so that rows written together lie together.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::from_str(text).map(Self)
            }
        }

        #[cfg(feature = "schema")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .format(Some(utoipa::openapi::SchemaFormat::KnownFormat(
                        utoipa::openapi::KnownFormat::Uuid,
                    )))
                    .into()
            }
        }

        #[cfg(feature = "schema")]
        impl utoipa::ToSchema for $name {}
    )+};
}

ids! {
    /// A person who can sign in: customer or staff.
    AccountId,
    /// One sign-in of an account.
    SessionId,
    /// What somebody asked of the data about them.
    PersonalRequestId,
    /// One code that was sent to somebody, and what they may do with it.
    CodeId,
    /// A delivery address of an account.
    AddressId,
    /// What is shown and described: the shirt.
    ProductId,
    /// What is bought and counted: the shirt, sage, size M.
    VariantId,
    /// A node of the category tree.
    CategoryId,
    /// A picture of a product.
    ImageId,
    /// A customer's list of things to buy.
    CartId,
    /// A quote, and after the button is pressed the order: one id for both.
    OrderId,
    /// One try to pay an order at one gateway.
    AttemptId,
    /// Money on its way back to a customer.
    RefundId,
    /// One change of `on_hand`, with its cause.
    MovementId,
    /// A fact that must follow a commit.
    EventId,
    /// A message a payment provider sent us.
    NoticeId,
    /// A key of the API.
    ApiKeyId,
    /// An invitation to work in the shop.
    InvitationId,
    /// A passkey of an account.
    PasskeyId,
}
