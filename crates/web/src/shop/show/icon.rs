//! Icons, written into the page. They decorate: words beside them say the same.

use std::fmt;

use askama::filters::HtmlSafe;
use icondata_core::IconData;
use icondata_lu as lu;

/// An icon of the one set we use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Icon {
    Alert,
    Back,
    Ban,
    Bag,
    Box,
    Card,
    Cash,
    Check,
    Clock,
    Down,
    Forward,
    Hourglass,
    Info,
    Letter,
    Menu,
    Minus,
    Parcel,
    Person,
    Pin,
    Plus,
    Receipt,
    Refund,
    Scan,
    Search,
    Shield,
    Trash,
    Truck,
    Wallet,
}

impl Icon {
    fn data(self) -> &'static IconData {
        match self {
            Self::Alert => lu::LuTriangleAlert,
            Self::Back => lu::LuArrowLeft,
            Self::Ban => lu::LuBan,
            Self::Bag => lu::LuShoppingBag,
            Self::Box => lu::LuPackage,
            Self::Card => lu::LuCreditCard,
            Self::Cash => lu::LuBanknote,
            Self::Check => lu::LuCheck,
            Self::Clock => lu::LuClock,
            Self::Down => lu::LuChevronDown,
            Self::Forward => lu::LuArrowRight,
            Self::Hourglass => lu::LuHourglass,
            Self::Info => lu::LuInfo,
            Self::Letter => lu::LuMail,
            Self::Menu => lu::LuMenu,
            Self::Minus => lu::LuMinus,
            Self::Parcel => lu::LuPackageCheck,
            Self::Person => lu::LuUserRound,
            Self::Pin => lu::LuMapPin,
            Self::Plus => lu::LuPlus,
            Self::Receipt => lu::LuReceiptText,
            Self::Refund => lu::LuUndo2,
            Self::Scan => lu::LuScanQrCode,
            Self::Search => lu::LuSearch,
            Self::Shield => lu::LuShieldCheck,
            Self::Trash => lu::LuTrash2,
            Self::Truck => lu::LuTruck,
            Self::Wallet => lu::LuWallet,
        }
    }
}

impl HtmlSafe for Icon {}

impl fmt::Display for Icon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let data = self.data();
        let view = data.view_box.unwrap_or("0 0 24 24");
        write!(
            f,
            r#"<svg class="icon" viewBox="{view}" width="18" height="18" aria-hidden="true">{}</svg>"#,
            data.data
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_icon_is_hidden_from_readers_and_has_no_style() {
        let icon = Icon::Truck.to_string();
        assert!(icon.starts_with("<svg ") && icon.contains(r#"aria-hidden="true""#), "{icon}");
        assert!(!icon.contains("style="), "{icon}");
    }
}
