-- Every statement about venues and protected places. Nothing here is about a person.

-- name: find_venue(id)^
select id, place, names, point, exits, zones, route, version
from venue
where id = :id;

-- name: lock_venue(id)^
-- The row as it stands; nobody else changes it until this transaction ends.
select id, place, names, point, exits, zones, route, version
from venue
where id = :id
for update;

-- name: list_venues(place, after, most)
select id, place, names, point
from venue
where (:place::text is null or place = :place) and id > :after
order by id
limit :most;

-- name: insert_venue(id, place, names, point, exits, zones, route, now)!
insert into venue (id, place, names, point, exits, zones, route, version, changed_at)
values (:id, :place, :names, :point, :exits, :zones, :route, 1, :now)
on conflict (id) do nothing;

-- name: change_venue(place, names, point, exits, zones, route, now, id)!
update venue
set place = :place, names = :names, point = :point, exits = :exits, zones = :zones,
    route = :route, version = version + 1, changed_at = :now
where id = :id;

-- name: remove_venue(id)!
delete from venue where id = :id;

-- name: find_protected(id)^
select id, names, geometry, version from protected_place where id = :id;

-- name: lock_protected(id)^
select id, names, geometry, version from protected_place where id = :id for update;

-- name: list_protected()
select id, names, geometry, version from protected_place order by id;

-- name: insert_protected(id, names, geometry, now)!
insert into protected_place (id, names, geometry, version, changed_at)
values (:id, :names, :geometry, 1, :now)
on conflict (id) do nothing;

-- name: change_protected(names, geometry, now, id)!
update protected_place
set names = :names, geometry = :geometry, version = version + 1, changed_at = :now
where id = :id;

-- name: remove_protected(id)!
delete from protected_place where id = :id;
