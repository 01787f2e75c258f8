import { browserSignIn } from '@countersign/agent/internal'
import type { ExchangeContext } from '@countersign/auth-server/internal'
import { type DeskServer, linkCallbackPath, rateLimit } from '@countersign/auth-server/internal'
import { cookiesOf } from '@countersign/protocol/internal'
import { loginAttempts } from '../login/login-attempt.js'
import { type LinkingContext, linkingOf } from './link.js'
import type { Linking } from './open-request.js'

/** Sign-ins at the other auth server that may begin for one request. */
const mostSignIns = { most: 5, seconds: 600 }

/** Creates the linking of users: this server signs them in at the other one as an agent, with its own keys. */
export function createLinking(
  { links, ownSubjects }: ExchangeContext,
  context: DeskServer & Pick<LinkingContext, 'login' | 'looks'>,
): Linking {
  const { keys, discovery, now, development, upstream } = context
  const { issuer } = context.issuer
  return linkingOf({
    ...context,
    links,
    ownSubjects,
    signIn: browserSignIn({
      id: issuer,
      key: keys.signing,
      redirectUri: `${issuer}${linkCallbackPath}`,
      discovery,
      now,
      development,
      ...upstream,
    }),
    attempts: loginAttempts(cookiesOf(issuer), now),
    signInLimit: rateLimit({ ...mostSignIns, now }),
  })
}
