//! What the statements are put together from.

/// Wraps what finds the places that are wrong.
macro_rules! places {
    ($($part:tt)+) => {
        concat!(
            "select place, count(*) over () from (", $($part)+,
            ") as wrong order by place limit 20"
        )
    };
}

/// Orders whose units have left the shelf, but for those that came back.
macro_rules! sold {
    () => {
        "('cash_due', 'paid', 'packed', 'shipped', 'delivered', 'refunded')"
    };
}

/// The lifecycle of an order, as `from>to`.
macro_rules! legal {
    () => {
        "'new>pending', 'new>cash_due', 'new>paid', 'pending>paid', 'pending>expired', \
         'pending>cancelled', 'expired>paid', 'expired>pending', 'cash_due>paid', \
         'cash_due>packed', 'cash_due>cancelled', 'paid>packed', 'paid>cancelled', \
         'packed>shipped', 'packed>cancelled', 'shipped>delivered', 'shipped>cancelled', \
         'paid>refunded', 'packed>refunded', 'shipped>refunded', 'delivered>refunded', \
         'cancelled>refunded'"
    };
}

/// What the lifecycle's statement takes as legal, for the test that compares it with the table
/// of the orders themselves.
#[cfg(test)]
pub(crate) const LEGAL: &str = legal!();

/// Currencies without a smaller coin, as in the kernel; a test compares.
macro_rules! no_coins {
    () => {
        "'BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'VND', \
         'VUV', 'XAF', 'XOF', 'XPF'"
    };
}

/// Those with a thousand of them; all others have a hundred.
macro_rules! thousand_coins {
    () => {
        "'BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND'"
    };
}

/// How many of its smallest coins one unit of a currency is.
macro_rules! coins {
    ($currency:literal) => {
        concat!(
            "case when ",
            $currency,
            " in (",
            no_coins!(),
            ") then 1 when ",
            $currency,
            " in (",
            thousand_coins!(),
            ") then 1000 else 100 end"
        )
    };
}

/// Digits of a currency by those lists.
#[cfg(test)]
pub(crate) const DIGITS: [(u32, &str); 2] = [(0, no_coins!()), (3, thousand_coins!())];
