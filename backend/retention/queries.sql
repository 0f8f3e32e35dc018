-- name: insert_epoch(id, public_key, starts_on, ends_on)!
insert into epoch (id, public_key, starts_on, ends_on)
values (:id, :public_key, :starts_on, :ends_on)
on conflict (id) do nothing;

-- name: epochs()
select id, public_key, starts_on, ends_on from epoch order by id;

-- name: vapid_key()$
select public_key from vapid_key;

-- name: insert_vapid_key(public_key)!
insert into vapid_key (public_key) values (:public_key) on conflict do nothing;

-- name: delete_expired_subscriptions(today)!
delete from subscription where expires_on <= :today;

-- name: delete_epoch(id)!
delete from epoch
where id = :id and not exists (select from subscription where subscription.epoch = epoch.id);
