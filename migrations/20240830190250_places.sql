-- migrate:up
-- A venue as organisers draw it. Shapes are GeoJSON (RFC 7946), kept whole: nothing is searched by
-- coordinate, so no extension is needed, and nobody can ask what is near.
create table venue (
    id uuid primary key,
    place text,
    names jsonb not null,
    point jsonb not null,
    exits jsonb not null,
    zones jsonb not null,
    route jsonb,
    version integer not null default 1,
    changed_at timestamptz not null
);
create index venue_place on venue (place, id);

-- Places that gatherings keep a distance from. A row with the id of one that ships takes its place.
create table protected_place (
    id uuid primary key,
    names jsonb not null,
    geometry jsonb not null,
    version integer not null default 1,
    changed_at timestamptz not null
);

grant select, insert, update, delete on venue, protected_place to exit10_api, exit10_maint;

-- migrate:down
