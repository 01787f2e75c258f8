// The application's users, and its OAuth server: better-auth with its OAuth provider.
import { randomBytes } from 'node:crypto'
import { oauthProvider } from '@better-auth/oauth-provider'
import { betterAuth } from 'better-auth'
import { memoryAdapter } from 'better-auth/adapters/memory'

/** better-auth with one user, Ada, one OAuth client, and what the API needs to ask about access tokens. */
export async function createUsers({ origin, api, redirectUri }) {
  const users = betterAuth({
    baseURL: origin,
    secret: randomBytes(32).toString('base64url'),
    // A real application has its own database here.
    database: memoryAdapter(emptyTables()),
    emailAndPassword: { enabled: true },
    telemetry: { enabled: false },
    plugins: [
      oauthProvider({
        loginPage: '/sign-in',
        consentPage: '/consent',
        scopes: ['openid', 'offline_access', 'events.read'],
        disableJwtPlugin: true,
        // Any signed-in user may register clients unless this says who may.
        clientPrivileges: ({ user }) => user.email === operator.email,
        resourcePrivileges: ({ user }) => user.email === operator.email,
        resources: [{ identifier: api, allowedScopes: ['openid', 'events.read'] }],
      }),
    ],
  })
  const ada = { email: 'ada@example.org', name: 'Ada Lovelace', password: 'analytical engine' }
  await users.api.signUpEmail({ body: ada })
  const { headers: signedIn } = await users.api.signUpEmail({ body: operator, returnHeaders: true })
  const cookie = signedIn.getSetCookie().map(line => line.split(';')[0])
  const headers = new Headers({ cookie: cookie.join('; ') })
  const register = body => users.api.adminCreateOAuthClient({ headers, body })
  const client = await register({
    client_name: 'mobile',
    redirect_uris: [redirectUri],
    token_endpoint_auth_method: 'none',
    application_type: 'native',
  })
  const introspector = await register({ client_name: 'API', grant_types: ['client_credentials'] })
  // The client may ask for tokens for the API, and the API about them.
  for (const { client_id } of [client, introspector])
    await users.api.adminLinkClientResource({ headers, params: { identifier: api, client_id } })
  return { users, clientId: client.client_id, introspector }
}

/** The user who may register OAuth clients; nobody knows the password. */
const operator = { email: 'operator@example.org', name: 'Operator', password: randomBytes(32).toString('base64url') }

const models = ['Client', 'Resource', 'ClientResource', 'ClientAssertion', 'AccessToken', 'RefreshToken', 'Consent']

function emptyTables() {
  const tables = ['user', 'session', 'account', 'verification', ...models.map(model => `oauth${model}`)]
  return Object.fromEntries(tables.map(table => [table, []]))
}

/** The OAuth clients that the user of these cookies has let in. */
export async function connectedClients(users, headers) {
  const consents = await users.api.getOAuthConsents({ headers })
  const described = consents.map(async ({ id, clientId, scopes }) => {
    const { client_name: name } = await users.api.getOAuthClientPublic({ headers, query: { client_id: clientId } })
    return { id, name, scope: scopes.join(', ') }
  })
  return Promise.all(described)
}

/** Ends what a user allowed an OAuth client: better-auth forgets the consent, and its tokens end here. */
export async function disconnectClient(users, headers, id) {
  const consent = await users.api.getOAuthConsent({ headers, query: { id } }).catch(() => undefined)
  // Only of this user: better-auth refuses the consent of another one.
  if (!consent) return
  await users.api.deleteOAuthConsent({ headers, body: { id } })
  const { adapter } = await users.$context
  const where = ['clientId', 'userId'].map(field => ({ field, value: consent[field] }))
  for (const model of ['oauthAccessToken', 'oauthRefreshToken']) await adapter.deleteMany({ model, where })
}
