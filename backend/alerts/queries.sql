-- name: current_epoch(today)^
select id, public_key, ends_on from epoch where starts_on <= :today and :today < ends_on;

-- name: vapid_key()$
select public_key from vapid_key;

-- name: put_subscription(id, epoch, series, audience, language, box, expires_on)!
insert into subscription (id, epoch, series, audience, language, box, expires_on)
values (:id, :epoch, :series, :audience, :language, :box, :expires_on)
on conflict (id) do update set
    epoch = :epoch, series = :series, audience = :audience, language = :language, box = :box,
    expires_on = :expires_on;

-- name: find_subscription(id)^
select series, audience, language, expires_on from subscription where id = :id;

-- name: delete_subscription(id)!
delete from subscription where id = :id;

-- name: count_subscriptions(series, audiences)$
select count(*) from subscription where series = :series and audience = any(:audiences::text[]);

-- name: count_unsent(occurrences)$
select count(*) from alert
where occurrence = any(:occurrences::uuid[]) and state in ('draft', 'approved');

-- name: insert_alert(id, series, occurrence, kind, texts, audiences, tag, replaces, composer, composed_at)!
insert into alert (
    id, series, occurrence, kind, texts, audiences, tag, replaces, composer, state, composed_at
)
values (
    :id, :series, :occurrence, :kind, :texts, :audiences, :tag, :replaces, :composer, 'draft',
    :composed_at
)
on conflict (id) do nothing;

-- name: insert_reminder(id, series, occurrence, texts, tag, minutes, now, expires_at)!
insert into alert (
    id, series, occurrence, kind, texts, audiences, tag, reminder_minutes, state, composed_at,
    approved_at, expires_at
)
values (
    :id, :series, :occurrence, 'reminder', :texts, '{attendees}', :tag, :minutes, 'approved', :now,
    :now, :expires_at
)
on conflict do nothing;

-- name: redraft_alert(id, series, occurrence, kind, texts, audiences, tag, replaces, composer, composed_at)!
update alert set
    series = :series, occurrence = :occurrence, kind = :kind, texts = :texts,
    audiences = :audiences, tag = :tag, replaces = :replaces, composer = :composer,
    composed_at = :composed_at
where id = :id and state = 'draft';

-- name: find_alert(id)^
select
    id, series, occurrence, kind, texts, audiences, tag, replaces, composer, state, composed_at,
    approved_at, expires_at, sent_at
from alert where id = :id;

-- name: lock_alert(id)^
select
    id, series, occurrence, kind, texts, audiences, tag, replaces, composer, state, composed_at,
    approved_at, expires_at, sent_at
from alert where id = :id for update;

-- name: approve_alert(id, now, expires_at)!
update alert set state = 'approved', approved_at = :now, expires_at = :expires_at
where id = :id and state = 'draft';

-- name: cancel_alert(id)!
update alert set state = 'cancelled'
where id = :id and state in ('draft', 'approved', 'sending');

-- name: public_alerts(occurrence)
select
    id, kind, texts, approved_at as sent_at,
    exists (
        select from alert later
        where later.replaces = alert.id and later.state in ('sending', 'sent')
    ) as replaced
from alert
where occurrence = :occurrence and state in ('sending', 'sent')
order by approved_at desc, id;

-- name: progress(id)^
select
    alert.state,
    coalesce(sum(batch.planned), 0)::bigint as planned,
    coalesce(sum(batch.delivered), 0)::bigint as delivered,
    coalesce(sum(batch.gone), 0)::bigint as gone,
    coalesce(sum(batch.failed), 0)::bigint as failed,
    min(batch.first_delivered_at) as first_delivered_at,
    max(batch.last_delivered_at) as last_delivered_at
from alert left join batch on batch.alert = alert.id
where alert.id = :id
group by alert.state;

-- name: take_approved_alert()^
-- One alert that nobody has divided into batches yet.
select
    id, series, occurrence, kind, texts, audiences, tag, replaces, composer, state, composed_at,
    approved_at, expires_at, sent_at
from alert where state = 'approved'
order by approved_at limit 1
for update skip locked;

-- name: divide_into_batches(alert, series, audiences, size, now)!
-- Neighbouring ids in shares of one size. The first share reaches back to the start and the last
-- one to the end of all ids, so that whoever subscribes meanwhile is in one of them.
with numbered as (
    select id, (row_number() over (order by id) - 1) / :size as share
    from subscription
    where series = :series and audience = any(:audiences::text[])
), shares as (
    select share, (array_agg(id order by id))[1] as first_id, count(*) as planned
    from numbered group by share
)
insert into batch (id, alert, first_id, next_id, not_before, planned)
select
    gen_random_uuid(), :alert,
    case when share = 0 then '00000000-0000-0000-0000-000000000000'::uuid else first_id end,
    lead(first_id) over (order by share), :now, planned
from shares;

-- name: start_sending(id)!
update alert set state = 'sending' where id = :id and state = 'approved';

-- name: expire_alert(id)!
update alert set state = 'expired' where id = :id and state = 'approved';

-- name: lease_batch(now, until, lease)^
-- The most pressing batch that is due and that no living worker holds.
update batch set lease = :lease, leased_until = :until
where id = (
    select batch.id from batch join alert on alert.id = batch.alert
    where not batch.done and batch.not_before <= :now
        and (batch.leased_until is null or batch.leased_until < :now)
        and alert.state = 'sending'
    order by alert.precedence, batch.not_before
    limit 1
    for update of batch skip locked
)
returning id, alert, first_id, next_id, pending, attempt, lease;

-- name: renew_leases(leases, until)!
update batch set leased_until = :until where lease = any(:leases::uuid[]) and not done;

-- name: rows_of_range(series, audiences, first_id, next_id)
select id, epoch, series, audience, language, box from subscription
where series = :series and audience = any(:audiences::text[])
    and id >= :first_id and (:next_id::uuid is null or id < :next_id);

-- name: rows_of_pending(series, audiences, pending)
select id, epoch, series, audience, language, box from subscription
where series = :series and audience = any(:audiences::text[]) and id = any(:pending::uuid[]);

-- name: finish_batch(lease, planned, delivered, gone, failed, first_at, last_at)$
-- What remains of a finished batch are numbers: it forgets which phones it was for.
update batch set
    done = true, lease = null, leased_until = null, first_id = null, next_id = null, pending = null,
    planned = :planned, delivered = :delivered, gone = :gone, failed = :failed,
    first_delivered_at = :first_at, last_delivered_at = :last_at
where lease = :lease and not done
returning id;

-- name: insert_later_batch(alert, pending, attempt, not_before)!
insert into batch (id, alert, pending, attempt, not_before, planned)
values (
    gen_random_uuid(), :alert, :pending::uuid[], :attempt, :not_before,
    cardinality(:pending::uuid[])
);

-- name: delete_gone(ids, boxes)!
-- Unless the phone subscribed anew meanwhile.
delete from subscription using unnest(:ids::uuid[], :boxes::bytea[]) as gone (id, box)
where subscription.id = gone.id and subscription.box = gone.box;

-- name: forget_composers(before)
-- Who composed an alert that has been over for a day is nobody's business any more.
update alert set composer = null
where composer is not null and state in ('sent', 'cancelled', 'expired')
    and coalesce(sent_at, expires_at, composed_at) < :before
returning id, occurrence;

-- name: finish_sent_alerts(now)
-- Alerts of which nothing is left to do.
update alert set state = 'sent', sent_at = :now
where state = 'sending' and not exists (
    select from batch where batch.alert = alert.id and not batch.done
)
returning id, occurrence;
