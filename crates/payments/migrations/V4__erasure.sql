-- What providers said of a payment is forgotten with its payer.
create index notices_of_attempt on notices (attempt_id) where attempt_id is not null;
