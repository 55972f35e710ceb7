// The database of the demonstration: small, and with what is easily lost on the way, such as roles, policies and a sequence.

/** Roles belong to the server; nothing else of it remains either. */
export const ROLES = `
CREATE ROLE shop_owner;
CREATE ROLE shop_customer;
`;

export const CUSTOMERS = 2000;
export const ORDERS = 20_000;

export const SHOP = `
SET search_path = public;
CREATE TYPE order_state AS ENUM ('open', 'paid', 'sent');
CREATE TABLE customers (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  login name UNIQUE NOT NULL,
  address jsonb NOT NULL
);
CREATE SEQUENCE invoice_numbers START 100000;
CREATE TABLE orders (
  id integer PRIMARY KEY,
  customer integer NOT NULL REFERENCES customers,
  invoice bigint NOT NULL DEFAULT nextval('invoice_numbers'),
  state order_state NOT NULL,
  total numeric(10, 2) NOT NULL CHECK (total >= 0),
  note text,
  placed_at timestamptz NOT NULL
);
CREATE INDEX ON orders (customer, placed_at);
ALTER TABLE customers OWNER TO shop_owner;
ALTER TABLE orders OWNER TO shop_owner;
ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_orders ON orders FOR SELECT TO shop_customer
  USING (customer = (SELECT id FROM customers WHERE login = current_user));
GRANT SELECT ON customers, orders TO shop_customer;
CREATE FUNCTION turnover(since timestamptz) RETURNS numeric LANGUAGE sql STABLE AS
  $$ SELECT sum(total) FROM orders WHERE placed_at >= since $$;

INSERT INTO customers (login, address)
SELECT 'customer-' || i, jsonb_build_object('street', md5(i::text), 'city', 'Ünnürŝ 🏙 ' || i % 40)
FROM generate_series(1, ${CUSTOMERS}) i;
INSERT INTO orders (id, customer, state, total, note, placed_at)
SELECT i, 1 + i * 7 % ${CUSTOMERS}, (ARRAY['open', 'paid', 'sent'])[1 + i % 3]::order_state, i % 997 + 0.95,
  CASE WHEN i % 9 = 0 THEN E'line one\\nline two\\t\\\\.' END, now() - i * interval '7 minutes'
FROM generate_series(1, ${ORDERS}) i;
`;

/** What nobody notices at once, and the objects in which it is found. */
export const CHANGES = `
SET search_path = public;
UPDATE orders SET total = total + 100 WHERE id = 4711;
ALTER POLICY own_orders ON orders USING (true);
SELECT setval('invoice_numbers', 100000);
`;
export const CHANGED = [
  'TABLE DATA public.orders',
  'POLICY public.orders own_orders',
  'SEQUENCE SET public.invoice_numbers',
] as const;

export const CHECK = `SELECT count(*) = ${ORDERS} FROM public.orders`;
export const NEWEST = 'public.orders.placed_at';
