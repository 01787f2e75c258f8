import type { AuthServerEvent } from '@countersign/auth-server'
import type { AccountCreation, LoginMethod } from '@countersign/user-desk'
import { inviteUser } from '@countersign/user-desk'
import { passkeys } from '@countersign/user-desk/passkeys'
import { type SoftPasskey, softPasskey } from './authenticator.js'
import { type Browser, browser } from './browser.js'
import { type World, world } from './world.js'

export const issuer = 'https://auth.example'

export interface PasskeyWorld {
  readonly made: World
  readonly database: string
  readonly events: AuthServerEvent[]
  /** A browser without cookies. */
  visitor(): Browser
  newPasskey(): SoftPasskey
  /** The target of a fresh link for a new account, or for a user. */
  link(user?: string): Promise<string>
  /** A user with one passkey, signed in. */
  account(name: string): Promise<Account>
}

export interface Account {
  readonly one: Browser
  readonly passkey: SoftPasskey
  readonly sub: string
}

/** The form of a page that a passkey fills in. */
export interface PasskeyFormOf {
  readonly action: string
  readonly options: { readonly challenge: string; readonly user?: { readonly id: string } }
  readonly fields: Record<string, string>
}

export async function passkeyWorld(
  o: {
    readonly database: string
    readonly accounts?: AccountCreation
    readonly login?: readonly LoginMethod[]
  } & Parameters<typeof world>[0],
): Promise<PasskeyWorld> {
  const { database, accounts = 'invitation', login = [], ...rest } = o
  const events: AuthServerEvent[] = []
  const made = await world({
    ...rest,
    database,
    login: [passkeys({ accounts }), ...login],
    onEvent: event => events.push(event),
  })
  const visitor = (): Browser => browser(made.auth, issuer)
  const newPasskey = (): SoftPasskey => softPasskey({ origin: issuer, rpId: 'auth.example' })
  const link = async (user?: string): Promise<string> => {
    const now = () => made.clock.now
    const { url = '' } = (await inviteUser({ issuer, database, now, ...(user === undefined ? {} : { user }) })) ?? {}
    return url.slice(issuer.length)
  }
  return {
    made,
    database,
    events,
    visitor,
    newPasskey,
    link,
    async account(name) {
      const [one, passkey] = [visitor(), newPasskey()]
      const form = await formAt(one, await link())
      const response = await one.post(form.action, { ...form.fields, name, credential: passkey.created(form.options) })
      if (response.status !== 303) throw new Error(await response.text())
      const sub = Buffer.from(form.options.user?.id ?? '', 'base64url').toString()
      return { one, passkey, sub }
    },
  }
}

/** Opens a page and reads its passkey form, or the one with this action. */
export async function formAt(one: Browser, target: string, action?: string): Promise<PasskeyFormOf> {
  return formIn(await (await one.get(target)).text(), action)
}

export function formIn(html: string, action?: string): PasskeyFormOf {
  for (const form of html.split('<form ').slice(1)) {
    const body = form.slice(0, form.indexOf('</form>'))
    const options = attribute(body, 'data-options')
    const at = attribute(body, 'action') ?? ''
    if (options === undefined || (action !== undefined && action !== at)) continue
    const inputs = body.split('<input ').slice(1)
    const named = inputs.flatMap(input => {
      const [name, value] = [attribute(input, 'name'), attribute(input, 'value')]
      return name === undefined || value === undefined ? [] : [[name, value] as const]
    })
    return { action: at, options: JSON.parse(options), fields: Object.fromEntries(named) }
  }
  throw new Error(`no passkey form: ${html.slice(html.indexOf('<main'), html.indexOf('<main') + 600)}`)
}

function attribute(html: string, name: string): string | undefined {
  const [, value] = new RegExp(`(?:^|\\s)${name}="([^"]*)"`).exec(html.slice(0, html.indexOf('>') + 1)) ?? []
  return value
    ?.replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
}
