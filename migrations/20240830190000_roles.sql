-- migrate:up
-- Three roles that processes take on when they connect. None can log in by itself.
-- They belong to the whole cluster, hence "if not there yet".
do $$
declare
    role_name text;
begin
    foreach role_name in array array['exit10_api', 'exit10_worker', 'exit10_maint'] loop
        begin
            execute format('create role %I nologin', role_name);
        exception when duplicate_object or unique_violation then
            null;
        end;
        begin
            execute format('grant %I to current_user', role_name);
        exception when unique_violation then
            null;
        end;
        execute format('grant usage on schema public to %I', role_name);
    end loop;
end
$$;

revoke all on schema public from public;

-- migrate:down
