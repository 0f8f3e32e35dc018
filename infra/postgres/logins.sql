-- Run once by psql as the superuser of a new cluster. Each process logs in as somebody who can become
-- only what it needs: whoever takes over the API cannot turn into the worker or the owner.
\set ON_ERROR_STOP on
\set owner_password `cat /run/secrets/owner_password`
\set api_password `cat /run/secrets/api_password`
\set worker_password `cat /run/secrets/worker_password`

create role exit10 login createrole password :'owner_password';
create role exit10_api nologin;
create role exit10_worker nologin;
create role exit10_maint nologin;
grant exit10_api, exit10_worker, exit10_maint to exit10 with admin option;

create role api login noinherit connection limit 60 password :'api_password' in role exit10_api;
create role worker login noinherit connection limit 30 password :'worker_password' in role exit10_worker;

create database exit10 owner exit10 encoding 'UTF8' template template0;
revoke all on database exit10 from public;
grant connect on database exit10 to api, worker;
