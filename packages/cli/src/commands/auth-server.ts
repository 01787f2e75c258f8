import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type AuthServer,
  type AuthServerOptions,
  askUsers,
  createAuthServer,
  demoUsers,
  directGrants,
  firstOf,
  type LoginMethod,
} from '@countersign/auth-server'
import { memoryReplaySet } from '@countersign/httpsig'
import { logLimit } from '@countersign/protocol'
import { jsonLog } from '@countersign/server'
import type { Command } from 'commander'
import { z } from 'zod'
import { readConfiguration, stringList } from '../flags/configuration.js'
import { audit, discoveryAlarms } from '../log/audit.js'
import { checkFirstStart, type Start } from '../server/first-start.js'
import {
  corsOf,
  dataFolder,
  discoveryFor,
  epochKeeper,
  epochOptions,
  keysPath,
  type ProxySettings,
  proxiesOf,
  proxyOptions,
  run,
  serverOptions,
  sharedReplay,
  signingKeys,
  unlessRestored,
} from '../server/participant.js'
import { noticeProxy } from '../server/proxy-notice.js'
import { reloadOnSignal } from '../server/reload.js'
import { notClosed, swappable } from '../server/swap.js'
import { certificateOf } from '../server/tls.js'

const grant = z.strictObject({
  agent: z.string().describe('the agent server that is granted access'),
  delegates: z
    .union([z.enum(['none', 'any']), z.array(z.string())])
    .default('none')
    .describe('which of its delegates share the grant'),
  resource: z.string().describe('the resource'),
  scopes: z.array(z.string()).min(1).describe('the scopes, each exactly'),
})

const listOrAny = z.union([z.literal('any'), z.array(z.string()).min(1)])

const question = z.strictObject({
  agents: listOrAny.describe('the agents whose requests users are asked about'),
  delegates: z
    .union([z.enum(['none', 'any']), z.array(z.string())])
    .default('any')
    .describe('which of their delegates; the page says which one asks'),
  resources: listOrAny.describe("the resources; self stands for the agent's own, as when it signs users in"),
  scopes: listOrAny.default('any').describe('the scopes, openid, profile and email among them'),
})

const exchangeRule = z.strictObject({
  upstream: z.string().describe('the auth server whose tokens are taken; the own issuer needs a rule, too'),
  middle: z.string().describe('the resource that was called and calls on'),
  downstream: z.string().describe('the resource that it calls'),
  upstreamScopes: z
    .array(z.string())
    .min(1)
    .describe('scopes of the middle that the upstream token must hold, all of them'),
  scopes: z.array(z.string()).min(1).describe('scopes of the downstream resource that this allows'),
  decision: z.enum(['direct', 'consent']).describe('direct: at once; consent: the user decides'),
})

const provider = z.strictObject({
  id: z.string().describe('stands in the URL to register with the provider: ISSUER/login/callback/ID'),
  name: z.string().describe('what the button says'),
  issuer: z.string().describe("the provider's issuer"),
  clientId: z.string().describe('the client id that the provider gave'),
  clientSecretFile: z.string().optional().describe('file that holds the client secret; default a public client'),
})

const demoUser = z.strictObject({
  name: z.string().describe('their name'),
  email: z.string().optional().describe('their e-mail address'),
})

/** Options of `countersign auth-server`. */
export const authServerOptions = z.strictObject({
  ...serverOptions,
  ...proxyOptions,
  ...epochOptions,
  database: z.string().optional().describe('sqlite:FILE or postgres://…; default sqlite:DATA/auth-server.db'),
  authTokenLifetime: z.coerce
    .number()
    .int()
    .min(1)
    .max(3600)
    .optional()
    .describe('seconds an auth token lives; default 600'),
  grants: z.array(grant).default([]).describe('access granted by policy, without a user; default none'),
  login: z.array(provider).default([]).describe('OpenID providers at which users sign in; default none'),
  demoUsers: z
    .array(demoUser)
    .default([])
    .describe('made-up users to choose from without a password, with --development only; default none'),
  ask: z.array(question).default([]).describe('access that users decide about, where no grant covers it; default none'),
  exchange: z
    .strictObject({
      rules: z.array(exchangeRule).describe('what resources may pass on of what they were called with'),
      dangerouslySharedSubjects: z
        .array(z.string())
        .default([])
        .describe('issuers that know the same users by the same sub; whoever runs one can act here for all of them'),
    })
    .default({ rules: [], dangerouslySharedSubjects: [] })
    .describe('tokens of other auth servers that are exchanged for tokens of this one; default none'),
  deviceFlow: stringList
    .default([])
    .describe('agents that may have a user type in a code from a device, or any; default none'),
  pagesPerMinute: z.coerce
    .number()
    .int()
    .min(1)
    .optional()
    .describe('pages that one network may ask for in a minute; default 300'),
})

/** Where the server's grants are. */
export function databaseOf(folder: string, { database }: { readonly database?: string | undefined }): string {
  return database ?? `sqlite:${join(folder, 'auth-server.db')}`
}

type AuthServerSettings = z.infer<typeof authServerOptions>

/** What another process is needed for. */
const lasting = [
  ...['id', 'port', 'host', 'development', 'data', 'keys', 'database', 'epoch', 'replay'],
] as ReadonlyArray<keyof AuthServerSettings>

/** What outlives a reload. */
interface Kept
  extends Required<Pick<AuthServerOptions, 'discovery' | 'replay' | 'onEvent' | 'database'>>,
    Pick<AuthServerOptions, 'epoch'> {
  readonly folder: string
}

/**
 * `countersign auth-server`: issues auth tokens for what its policy grants. On SIGHUP it reads settings, keys and certificate again;
 * the page requests that it counted in memory begin anew.
 */
export async function authServer(command: Command): Promise<void> {
  const read = () => readConfiguration(command, authServerOptions, process.env)
  const settings = read()
  // Before anything is made.
  certificateOf(settings)
  const folder = dataFolder('auth-server', settings)
  const database = databaseOf(folder, settings)
  const log = jsonLog({ name: 'auth-server' })
  const limit = logLimit(log)
  const kept: Kept = {
    folder,
    database,
    ...epochKeeper('auth-server', folder, { ...settings, database }),
    discovery: discoveryFor(settings, { onEvent: discoveryAlarms(log, limit) }),
    replay: memoryReplaySet(),
    ...(await sharedReplay(settings)),
    onEvent: audit(log, limit),
  }
  const belongings = { keys: keysPath(folder, settings), database: { url: database, room: 'auth_server' } }
  const start = await checkFirstStart(settings, belongings, log)
  const place = swappable(await openAuthServer(settings, kept, start), notClosed(log))
  // The auth server tells its pages from what agents call; what serves it would open them all.
  const { cors: _, ...rest } = settings
  let current: ProxySettings = settings
  const participant = noticeProxy(place.participant, { log, settings: () => current })
  const running = await run('auth-server', rest, participant, { log, logLimit: limit })
  reloadOnSignal({
    ...{ log, running, settings, lasting, read },
    async apply(next: AuthServerSettings) {
      place.swap(await openAuthServer({ ...next, replaceKeys: false }, kept, 'again'))
      current = next
    },
  })
}

async function openAuthServer(
  settings: AuthServerSettings,
  { folder, ...kept }: Kept,
  start: Start,
): Promise<AuthServer> {
  const { authTokenLifetime, pagesPerMinute, cors } = settings
  const login = await loginMethods(settings)
  const opening = createAuthServer({
    issuer: settings.id,
    keys: await signingKeys(folder, settings, start),
    ...kept,
    knownKeys: settings.replaceKeys ? 'replace' : 'check',
    ...(login.length === 0 ? {} : { login }),
    policy: firstOf(directGrants(settings.grants), askUsers(settings.ask)),
    exchange: settings.exchange,
    deviceFlow: settings.deviceFlow.includes('any') ? 'any' : settings.deviceFlow,
    development: settings.development,
    ...proxiesOf(settings),
    ...(cors === undefined ? {} : { cors: corsOf(cors) }),
    ...(authTokenLifetime === undefined ? {} : { authTokenLifetime }),
    ...(pagesPerMinute === undefined ? {} : { pagesPerMinute }),
  })
  return unlessRestored('auth-server', opening)
}

async function loginMethods(settings: z.infer<typeof authServerOptions>): Promise<LoginMethod[]> {
  const { login, development } = settings
  const demo = settings.demoUsers.map(({ name, email }) => ({ name, ...(email === undefined ? {} : { email }) }))
  const methods: LoginMethod[] = demo.length === 0 ? [] : [demoUsers(demo)]
  if (login.length === 0) return methods
  // Loaded when needed: an auth server that signs nobody in does without.
  const { openidConnect } = await import('@countersign/auth-server/openid')
  return login
    .map(({ clientSecretFile, ...upstream }): LoginMethod => {
      const secret = clientSecretFile === undefined ? undefined : readFileSync(clientSecretFile, 'utf8').trim()
      return openidConnect({
        ...upstream,
        ...(secret === undefined ? {} : { clientSecret: secret }),
        dangerouslyAllowLoopbackHttp: development,
      })
    })
    .concat(methods)
}
