import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type AuthServerOptions,
  createAuthServer,
  demoUsers,
  inviteUser,
  type LoginMethod,
} from '@countersign/auth-server'
import { openTelemetry } from '@countersign/auth-server/otel'
import { printLines } from '@countersign/fetch/internal'
import { memoryReplaySet } from '@countersign/httpsig'
import { logLimit } from '@countersign/protocol'
import { jsonLog } from '@countersign/server'
import type { Command } from 'commander'
import { z } from 'zod'
import { readConfiguration } from '../flags/configuration.js'
import { defined } from '../flags/defined.js'
import { stringList } from '../flags/option-schema.js'
import { audit, discoveryAlarms } from '../log/audit.js'
import { adminOptions, type ServedParts, serveAdmin, withAdminPage } from '../server/admin-port.js'
import { auditOf, auditOptions } from '../server/audit-log.js'
import type { Opened } from '../server/closing-on-failure.js'
import { denyOptions } from '../server/deny.js'
import { checkFirstStart, type Start } from '../server/first-start.js'
import { metricsOf } from '../server/metrics.js'
import {
  corsOf,
  dataFolder,
  defaultRotation,
  discoveryFor,
  epochKeeper,
  epochOptions,
  keysPath,
  type ProxySettings,
  proxiesOf,
  proxyOptions,
  rotationOption,
  run,
  serverOptions,
  sharedReplay,
  signingKeys,
  unlessRestored,
} from '../server/participant.js'
import { policyOf, policyOptions } from '../server/policy.js'
import { rulesOf } from '../server/policy-rules.js'
import { noticeProxy } from '../server/proxy-notice.js'
import { fixedSettings, reloadOnSignal } from '../server/reload.js'
import { logNotClosed, swappable } from '../server/swap.js'
import { certificateOf } from '../server/tls.js'

const exchangeRule = z.strictObject({
  upstream: z.string().describe('the auth server whose tokens are accepted; its own issuer needs a rule, too'),
  middle: z.string().describe('the resource that was called, and that calls the downstream resource'),
  downstream: z.string().describe('the downstream resource'),
  upstreamScopes: z
    .array(z.string())
    .min(1)
    .describe('scopes of the middle resource; the upstream token must have all of them'),
  scopes: z.array(z.string()).min(1).describe('scopes of the downstream resource that this rule allows'),
  decision: z.enum(['direct', 'consent']).describe('direct: at once; consent: the user decides'),
})

const provider = z.strictObject({
  id: z.string().describe('a part of the URL to register with the provider: ISSUER/login/callback/ID'),
  name: z.string().describe('the text of the button'),
  issuer: z.string().describe("the provider's issuer"),
  clientId: z.string().describe('the client id at the provider'),
  clientSecretFile: z.string().optional().describe('file that holds the client secret; default a public client'),
})

const demoUser = z.strictObject({
  name: z.string().describe('their name'),
  email: z.string().optional().describe('their e-mail address'),
})

const branding = z.strictObject({
  name: z.string().optional().describe("the operator's name, at the top of every page"),
  logoFile: z.string().optional().describe('a PNG, JPEG or WebP of at most 64 KiB and 1024 pixels a side'),
  accent: z.string().optional().describe('the colour of links and buttons, such as #0b57d0'),
  accentDark: z.string().optional().describe('the same on dark pages'),
})

const consentDefaults = z.strictObject({
  duration: z
    .enum(['once', 'day', 'month'])
    .optional()
    .describe('how long: once, a single call; day, 24 hours; month, 30 days; default until it is taken back'),
  callsPerDay: z.coerce.number().int().min(1).optional().describe('calls a day; default any number'),
  hours: z
    .strictObject({
      zone: z.string().describe('the time zone, an IANA name'),
      days: z.array(z.number().int().min(1).max(7)).min(1).describe('the days; 1 is Monday'),
      from: z.string().describe('such as 09:00'),
      to: z.string().describe('such as 18:00'),
    })
    .optional()
    .describe('days and hours; default any time'),
  zone: z
    .string()
    .optional()
    .describe('the time zone that is chosen at first; default that of hours, else of the server'),
})

/** Options of `countersign auth-server`. */
export const authServerOptions = z.strictObject({
  ...serverOptions,
  ...proxyOptions,
  ...epochOptions,
  ...auditOptions,
  database: z.string().optional().describe('sqlite:FILE or postgres://…; default sqlite:DATA/auth-server.db'),
  rotateKeysEvery: rotationOption(
    'the key of the key file is the first, the next are kept in the database; never leaves the keys of the file to you; default 30 days',
  ),
  authTokenLifetime: z.coerce
    .number()
    .int()
    .min(1)
    .max(3600)
    .optional()
    .describe('lifetime of an auth token in seconds; default 600'),
  ...policyOptions,
  ...denyOptions,
  ...adminOptions,
  login: z.array(provider).default([]).describe('OpenID providers at which users sign in; default none'),
  passkeys: z
    .enum(['open', 'invitation', 'openid'])
    .optional()
    .describe(
      'users sign in with passkeys; who may make an account: open, everyone; invitation, those with a link of auth-server invite; openid, users of the OpenID providers; default no passkeys',
    ),
  demoUsers: z
    .array(demoUser)
    .default([])
    .describe('fictional users who sign in without a password, with --development only; default none'),
  branding: branding.optional().describe('name, logo and colours of the pages for users; default none'),
  consentDefaults: consentDefaults
    .optional()
    .describe('the limits that consent pages suggest where the resource keeps them; default none'),
  exchange: z
    .strictObject({
      rules: z.array(exchangeRule).describe('the tokens that resources may exchange to call other resources'),
      dangerouslySharedSubjects: z
        .array(z.string())
        .default([])
        .describe(
          'issuers that give the same users the same sub; the operator of one can act for all users of the others',
        ),
    })
    .default({ rules: [], dangerouslySharedSubjects: [] })
    .describe('tokens of other auth servers that may be exchanged for tokens of this one; default none'),
  deviceFlow: stringList.default([]).describe('agents that may show a device code to type in, or any; default none'),
  pagesPerMinute: z.coerce
    .number()
    .int()
    .min(1)
    .optional()
    .describe('pages that one network may request in a minute; default 300'),
})

/** The URL of the server's database. */
export function databaseOf(folder: string, { database }: { readonly database?: string | undefined }): string {
  return database ?? `sqlite:${join(folder, 'auth-server.db')}`
}

type AuthServerSettings = z.infer<typeof authServerOptions>

/** The settings that only a restart can change. */
const fixed: ReadonlyArray<keyof AuthServerSettings> = [...fixedSettings, 'database', 'epoch', 'adminPort', 'adminHost']

/** The parts that stay the same after a reload. */
interface KeptParts
  extends Required<Pick<AuthServerOptions, 'discovery' | 'replay' | 'onEvent' | 'database' | 'telemetry'>>,
    Pick<AuthServerOptions, 'epoch'> {
  readonly folder: string
}

/**
 * `countersign auth-server`: issues auth tokens that its policies grant or users allow. On SIGHUP it reads settings, keys and
 * certificate again; its counts of page requests start anew.
 */
export async function authServer(command: Command, opened: Opened): Promise<void> {
  const read = () => readConfiguration(command, authServerOptions, process.env)
  const settings = read()
  // Checked before anything is created.
  certificateOf(settings)
  await auditOf(settings)
  const folder = dataFolder('auth-server', settings)
  const database = databaseOf(folder, settings)
  const log = jsonLog({ name: 'auth-server' })
  const limit = logLimit(log)
  const metrics = await metricsOf(settings)
  const telemetry = openTelemetry({ meterProvider: metrics.meterProvider })
  const alarms = discoveryAlarms(log, limit)
  const kept: KeptParts = {
    folder,
    database,
    ...epochKeeper('auth-server', folder, { ...settings, database }),
    telemetry,
    discovery: discoveryFor(settings, {
      onEvent(event) {
        telemetry.discovery(event)
        alarms(event)
      },
    }),
    replay: memoryReplaySet(),
    ...(await sharedReplay(settings, opened)),
    onEvent: audit(log, limit),
  }
  const belongings = { keys: keysPath(folder, settings), database: { url: database, room: 'auth_server' } }
  const start = await checkFirstStart(settings, belongings, log)
  const first = await openAuthServer(settings, kept, start)
  const place = swappable(first.participant, logNotClosed(log))
  const adminPlace = first.admin && swappable(first.admin, logNotClosed(log))
  // The auth server itself answers CORS: the HTTP server would open its pages for users, too.
  const { cors: _, ...rest } = settings
  let current: ProxySettings = settings
  const participant = noticeProxy(place.participant, { log, settings: () => current })
  const admin = adminPlace && (await serveAdmin(adminPlace.participant, settings, { log, server: participant }))
  const close = async (): Promise<void> => void (await Promise.all([admin?.close(), participant.close?.()]))
  const running = await run({ ...participant, close }, rest, { name: 'auth-server', log, logLimit: limit, metrics })
  await offerFirstAccount(settings, database)
  reloadOnSignal({
    log,
    running,
    settings,
    fixed,
    read,
    async apply(next: AuthServerSettings) {
      const after = await openAuthServer({ ...next, replaceKeys: false }, kept, 'again')
      if (after.admin) adminPlace?.swap(after.admin)
      place.swap(after.participant)
      current = next
    },
  })
}

/**
 * Prints the link of the first account while there is none: to standard output, apart from the log, since who has it owns that account.
 */
async function offerFirstAccount(
  { id: issuer, passkeys, development }: AuthServerSettings,
  database: string,
): Promise<void> {
  if (passkeys === undefined || passkeys === 'openid' || database === 'sqlite::memory:') return
  const invitation = await inviteUser({ issuer, database, development, first: true })
  if (invitation === undefined) return
  printLines('No user has an account yet. Make the first one, within a day, at')
  printLines(invitation.url)
}

async function openAuthServer(
  settings: AuthServerSettings,
  { folder, ...kept }: KeptParts,
  start: Start,
): Promise<ServedParts> {
  const { authTokenLifetime, pagesPerMinute, cors, rotateKeysEvery = defaultRotation } = settings
  const before = await signingKeys(folder, settings, start)
  const login = await loginMethods(settings)
  const { consentDefaults: suggested } = settings
  const opening = createAuthServer({
    issuer: settings.id,
    keys: rotateKeysEvery === 'never' ? before : { rotateEvery: rotateKeysEvery, before },
    ...kept,
    knownKeys: settings.replaceKeys ? 'replace' : 'check',
    ...(await auditOf(settings)),
    ...(login.length === 0 ? {} : { login }),
    policy: await policyOf(settings),
    exchange: settings.exchange,
    deviceFlow: settings.deviceFlow.includes('any') ? 'any' : settings.deviceFlow,
    development: settings.development,
    ...proxiesOf(settings),
    ...defined({ cors: cors && corsOf(cors), authTokenLifetime, pagesPerMinute, branding: brandingOf(settings) }),
    ...defined({ consentDefaults: suggested && defined(suggested), deny: settings.deny && defined(settings.deny) }),
  })
  return withAdminPage(await unlessRestored('auth-server', opening), settings, (request, named) =>
    rulesOf(request, settings, named),
  )
}

function brandingOf({ branding: settings }: AuthServerSettings): AuthServerOptions['branding'] {
  if (settings === undefined) return undefined
  const { logoFile, ...shown } = settings
  return defined({ ...shown, logo: logoFile === undefined ? undefined : readFileSync(logoFile) })
}

async function loginMethods(settings: z.infer<typeof authServerOptions>): Promise<LoginMethod[]> {
  const { login, development, passkeys: accounts } = settings
  const demo = settings.demoUsers.map(defined)
  const methods: LoginMethod[] = demo.length === 0 ? [] : [demoUsers(demo)]
  if (accounts !== undefined) {
    const { passkeys } = await import('@countersign/auth-server/passkeys')
    methods.unshift(passkeys({ accounts }))
  }
  if (login.length === 0) return methods
  // Loaded only when users sign in.
  const { openidConnect } = await import('@countersign/auth-server/openid')
  return login
    .map(({ clientSecretFile, ...upstream }): LoginMethod => {
      const secret = clientSecretFile === undefined ? undefined : readFileSync(clientSecretFile, 'utf8').trim()
      return openidConnect({
        ...upstream,
        ...defined({ clientSecret: secret }),
        dangerouslyAllowLoopbackHttp: development,
      })
    })
    .concat(methods)
}
