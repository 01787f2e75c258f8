import { readFileSync } from 'node:fs'
import { type AuthServerOptions, createAuthServer, type Desk } from '@countersign/auth-server'
import { demoUsers, type LoginMethod, type UserDeskOptions, userDesk } from '@countersign/user-desk'
import { defined } from '../../flags/defined.js'
import { type ServedParts, withAdminPage } from '../../server/admin-port.js'
import { auditOf } from '../../server/audit-log.js'
import type { Start } from '../../server/first-start.js'
import { corsOf, defaultRotation, proxiesOf, signingKeys, unlessRestored } from '../../server/participant.js'
import { policyOf } from '../../server/policy.js'
import { rulesOf } from '../../server/policy-rules.js'
import type { AuthServerSettings } from './auth-server-options.js'

/** The parts that stay the same after a reload. */
export interface KeptParts
  extends Required<Pick<AuthServerOptions, 'discovery' | 'replay' | 'onEvent' | 'database' | 'telemetry'>>,
    Pick<AuthServerOptions, 'epoch'> {
  readonly folder: string
}

/** Opens an auth server, and its admin page where it has one. @throws UsageError for settings that are wrong */
export async function openAuthServer(
  settings: AuthServerSettings,
  { folder, ...kept }: KeptParts,
  start: Start,
): Promise<ServedParts> {
  const { authTokenLifetime, cors, rotateKeysEvery = defaultRotation } = settings
  const before = await signingKeys(folder, settings, start)
  const opening = createAuthServer({
    issuer: settings.id,
    keys: rotateKeysEvery === 'never' ? before : { rotateEvery: rotateKeysEvery, before },
    ...kept,
    knownKeys: settings.replaceKeys ? 'replace' : 'check',
    ...(await auditOf(settings)),
    policy: await policyOf(settings),
    exchange: settings.exchange,
    deviceFlow: settings.deviceFlow.includes('any') ? 'any' : settings.deviceFlow,
    development: settings.development,
    ...proxiesOf(settings),
    ...defined({ cors: cors && corsOf(cors), authTokenLifetime, deny: settings.deny && defined(settings.deny) }),
    ...defined({ desk: await deskOf(settings) }),
  })
  return withAdminPage(await unlessRestored('auth-server', opening), settings, (request, named) =>
    rulesOf(request, settings, named),
  )
}

/** Undefined where users have no way to sign in. */
async function deskOf(settings: AuthServerSettings): Promise<Desk | undefined> {
  const { pagesPerMinute, consentDefaults: suggested } = settings
  const login = await loginMethods(settings)
  // Made in any case: settings of pages are checked where nobody can sign in, too.
  const desk = userDesk({
    login,
    ...defined({ pagesPerMinute, branding: brandingOf(settings), consentDefaults: suggested && defined(suggested) }),
  })
  return login.length === 0 ? undefined : desk
}

function brandingOf({ branding: settings }: AuthServerSettings): UserDeskOptions['branding'] {
  if (settings === undefined) return undefined
  const { logoFile, ...shown } = settings
  return defined({ ...shown, logo: logoFile === undefined ? undefined : readFileSync(logoFile) })
}

async function loginMethods(settings: AuthServerSettings): Promise<LoginMethod[]> {
  const { login, development, passkeys: accounts } = settings
  const demo = settings.demoUsers.map(defined)
  const methods: LoginMethod[] = demo.length === 0 ? [] : [demoUsers(demo)]
  if (accounts !== undefined) {
    const { passkeys } = await import('@countersign/user-desk/passkeys')
    methods.unshift(passkeys({ accounts }))
  }
  if (login.length === 0) return methods
  // Loaded only when users sign in.
  const { openidConnect } = await import('@countersign/user-desk/openid')
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
