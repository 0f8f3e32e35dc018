/** Reads an organiser's invite from the address and tells how to accept it. Never sends it. */

const INVITE = /^#invite=([A-Za-z0-9_-]{43})$/;

/**
 * The invite in an address' fragment, or null.
 * @param {string} fragment
 * @returns {string | null}
 */
export function inviteIn(fragment) {
  return INVITE.exec(fragment)?.[1] ?? null;
}

/**
 * Commands for a shell that accept an invite under a fresh access token, and show the token.
 * @param {string} origin
 * @param {string} invite
 * @returns {string}
 */
export function acceptingCommands(origin, invite) {
  return [
    "TOKEN=$(head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=')",
    `curl -X POST ${origin}/v1/invites/redeem \\`,
    '  -H "Authorization: Bearer $TOKEN" \\',
    "  -H 'Content-Type: application/json' \\",
    `  -d '{"invite":"${invite}"}'`,
    'echo; echo "$TOKEN"',
  ].join("\n");
}
