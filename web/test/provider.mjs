// @ts-nocheck: oidc-provider ships no types.
/**
 * An OpenID Connect provider for the tests, with any password for each of its users.
 *
 *     node web/test/provider.mjs '{"port": 8090, "client": {"redirect_uris": […], …}, "users": {"alice": {"groups": ["desk"]}}}'
 *
 * POST /users replaces the users: every other user is disabled.
 */

import { createServer } from "node:http";
import { argv } from "node:process";
// biome-ignore lint/correctness/noUnresolvedImports: Biome does not read this package's exports.
import Provider from "oidc-provider";

const { port, client, users: first, groupsInToken } = JSON.parse(argv[2]);
let users = first;
const provider = new Provider(`http://localhost:${port}`, {
  clients: [client],
  scopes: ["openid", "offline_access", "profile", "email", "groups"],
  claims: { openid: ["sub"], profile: ["preferred_username"], email: ["email"], groups: ["groups"] },
  conformIdTokenClaims: !groupsInToken,
  cookies: { keys: ["a key for the cookies of tests"] },
  features: { devInteractions: { enabled: true }, rpInitiatedLogout: { enabled: true } },
  pkce: { required: () => true },
  rotateRefreshToken: true,
  issueRefreshToken: () => client.grant_types.includes("refresh_token"),
  findAccount: (_context, id) =>
    users[id] && {
      accountId: id,
      claims: () => ({ sub: id, preferred_username: id, email: `${id}@firm.example`, ...users[id] }),
    },
  // Nobody is asked for a consent.
  loadExistingGrant: async ({ oidc }) => {
    const grant = new oidc.provider.Grant({
      accountId: oidc.session.accountId,
      clientId: oidc.client.clientId,
    });
    grant.addOIDCScope("openid offline_access profile email groups");
    await grant.save();
    return grant;
  },
});
const answer = provider.callback();

createServer(async (request, response) => {
  if (request.method === "POST" && request.url === "/users") {
    const parts = await request.toArray();
    users = JSON.parse(Buffer.concat(parts).toString());
    response.end();
  } else {
    answer(request, response);
  }
}).listen(port, "127.0.0.1");
