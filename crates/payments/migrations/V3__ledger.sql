-- Balances add up the whole ledger, and nothing asks for one account.
drop index ledger_of_account;
