-- name: authenticate(today, digest)^
-- Whom a live access token speaks for. Notes the day of use at most once a day.
with used as (
    update access_token
    set last_used_on = :today
    where digest = :digest
        and expires_on >= :today
        and (last_used_on is null or last_used_on < :today)
)

select
    organiser.id,
    organiser.handle,
    organiser.role,
    access_token.id as token,
    access_token.scopes
from access_token
inner join organiser on access_token.organiser = organiser.id
where access_token.digest = :digest
    and access_token.expires_on >= :today
    and organiser.left_on is null;

-- name: hold_invite(digest)^
-- The invite of a digest. Others who would redeem it wait until this transaction ends.
select id, digest, role, expires_at, by_operator, redeemed_by
from invite
where digest = :digest
for update;

-- name: find_invite(id)^
select id, digest, role, expires_at, by_operator, redeemed_by
from invite
where id = :id;

-- name: list_invites()
select id, digest, role, expires_at, by_operator, redeemed_by
from invite
order by expires_at, id;

-- name: insert_invite(id, digest, role, expires_at, by_operator)!
insert into invite (id, digest, role, expires_at, by_operator)
values (:id, :digest, :role, :expires_at, :by_operator)
on conflict do nothing;

-- name: use_invite(organiser, id)!
update invite
set redeemed_by = :organiser
where id = :id and redeemed_by is null;

-- name: delete_invite(id)!
delete from invite
where id = :id;

-- name: delete_expired_invites(before)!
delete from invite
where expires_at < :before;

-- name: insert_organiser(id, handle, role, trusted_from)!
insert into organiser (id, handle, role, trusted_from)
values (:id, :handle, :role, :trusted_from);

-- name: find_member(id, digest)^
-- The organiser who redeemed an invite with this access token.
select organiser.id, organiser.handle, organiser.role, access_token.scopes
from organiser
inner join access_token on organiser.id = access_token.organiser
where organiser.id = :id
    and organiser.left_on is null
    and access_token.digest = :digest;

-- name: find_organisers_by_handle(handle)
select id, handle, role
from organiser
where handle = :handle and left_on is null;

-- name: count_organisers()$
select count(*)
from organiser
where left_on is null;

-- name: insert_access_token(id, organiser, digest, scopes, expires_on)!
insert into access_token (id, organiser, digest, scopes, expires_on)
values (:id, :organiser, :digest, :scopes, :expires_on)
on conflict do nothing;

-- name: find_access_token(id)^
select id, organiser, digest, scopes, expires_on, last_used_on
from access_token
where id = :id;

-- name: list_access_tokens(organiser)
select id, organiser, digest, scopes, expires_on, last_used_on
from access_token
where organiser = :organiser
order by expires_on, id;

-- name: delete_access_token(id, organiser)!
delete from access_token
where id = :id and organiser = :organiser;

-- name: delete_expired_access_tokens(before)!
delete from access_token
where expires_on < :before;

-- name: hold_subject(subject)$
-- Those who decide on one subject take turns until their transactions end.
select pg_advisory_xact_lock(hashtextextended(:subject, 0));

-- name: insert_approval(subject, action, organiser)!
insert into approval (subject, action, organiser)
values (:subject, :action, :organiser)
on conflict do nothing;

-- name: trusted_from(id)$
select trusted_from from organiser where id = :id;

-- name: find_standing(composer, subject, action, now)^
-- Who stands behind an act, is trusted by now and has not left, and how many there are to ask.
select
    exists(
        select from organiser
        where id = :composer and left_on is null and trusted_from <= :now
    ) as composer_is_here,
    array(
        select approval.organiser
        from approval
        inner join organiser on approval.organiser = organiser.id
        where approval.subject = :subject
            and approval.action = :action
            and organiser.left_on is null
            and organiser.trusted_from <= :now
    ) as approvers,
    (
        select count(*) from organiser where left_on is null and trusted_from <= :now
    ) as organisers;

-- name: delete_approvals(subject)!
delete from approval
where subject = :subject;
