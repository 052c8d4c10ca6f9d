//! Where an attempt to pay may stand.

use std::str::FromStr;

/// Where an attempt stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum AttemptState {
    /// Meant, perhaps asked for; we have not heard from the gateway.
    Submitting,
    /// The payer may pay.
    AwaitingPayer,
    /// The payer has done their part, the bank has not.
    Processing,
    /// The money is reserved for us. What is to become of it is decided in the same breath, so
    /// nothing stays here.
    Authorized,
    /// The order has claimed the reserved money: it is being taken. Until that is over the order
    /// keeps its units and cannot be called off.
    Capturing,
    /// The money is ours. This never changes; what goes back is a refund.
    Captured,
    /// Nobody wants it paid any more: it is called off where the gateway can, and waited out
    /// where it cannot. Money that comes all the same is believed.
    Closing,
    /// The reserved money is not wanted: it is let go, which costs nobody anything.
    Voiding,
    /// Nothing will come. A gateway that says otherwise later is believed.
    Canceled,
}

impl AttemptState {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Submitting,
        Self::AwaitingPayer,
        Self::Processing,
        Self::Authorized,
        Self::Capturing,
        Self::Captured,
        Self::Closing,
        Self::Voiding,
        Self::Canceled,
    ];

    /// The word in the database and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Submitting => "submitting",
            Self::AwaitingPayer => "awaiting_payer",
            Self::Processing => "processing",
            Self::Authorized => "authorized",
            Self::Capturing => "capturing",
            Self::Captured => "captured",
            Self::Closing => "closing",
            Self::Voiding => "voiding",
            Self::Canceled => "canceled",
        }
    }

    /// Whether the order still hopes for its money.
    pub fn is_live(self) -> bool {
        match self {
            Self::Submitting
            | Self::AwaitingPayer
            | Self::Processing
            | Self::Authorized
            | Self::Capturing => true,
            Self::Captured | Self::Closing | Self::Voiding | Self::Canceled => false,
        }
    }

    /// Whether the payer may be sent to the gateway's page.
    pub fn may_be_paid(self) -> bool {
        matches!(self, Self::Submitting | Self::AwaitingPayer)
    }

    /// Whether nothing is under way any more.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Captured | Self::Canceled)
    }
}

impl FromStr for AttemptState {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| format!("`{text}` is no state of an attempt"))
    }
}
