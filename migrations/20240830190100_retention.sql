-- migrate:up
-- Public halves of the weekly keys that subscriptions are sealed to. Private halves are never here.
create table epoch (
    id integer primary key,
    public_key bytea not null check (length(public_key) = 32),
    starts_on date not null,
    ends_on date not null check (ends_on > starts_on)
);

-- The public half of the key that signs every push (RFC 8292). One row.
create table vapid_key (
    singleton boolean primary key default true check (singleton),
    public_key bytea not null check (length(public_key) = 65)
);

grant select on epoch, vapid_key to exit10_api;
grant select, insert, update, delete on epoch, vapid_key to exit10_worker, exit10_maint;

-- migrate:down
