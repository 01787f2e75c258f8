import type { ShownAccess } from '@countersign/auth-server/internal'
import { resourceScopes, type TakenBack, takenBackEvent } from '@countersign/auth-server/internal'
import type { ReceivedMessage } from '@countersign/httpsig'
import { queryOf } from '@countersign/httpsig/internal'
import { isIdentifier, type ResourceMetadata } from '@countersign/protocol'
import { refusal, seeOther } from '@countersign/protocol/internal'
import { requestIdOf } from '@countersign/verify/internal'
import { accountPage } from '../pages/account-page.js'
import { valueInTime } from '../pages/in-time.js'
import { pageResponse } from '../pages/page-response.js'
import { wordsNow } from '../pages/shown-words.js'
import type { AccountContext } from './account-context.js'
import { accountPath } from './paths.js'
import { userForm } from './signed-in.js'

/** Where the forms of that page lead. */
export const takeBackPath = '/account/take-back'

/** Shows the agents with access; asks a user who is not signed in to sign in first. */
export async function showAccount(message: ReceivedMessage, context: AccountContext): Promise<Response> {
  const { login, access, issuer, now } = context
  const { session, cookies } = await login.sessions.begin(message)
  const { user } = session
  if (user === undefined) return login.signIn(message, { returnTo: accountPath })
  const query = new URLSearchParams(queryOf(message.target))
  const page = Number(query.get('page') ?? '1')
  const shown = await access.list(user.sub, Number.isSafeInteger(page) ? page : 1)
  const [waiting, stops] = await Promise.all([context.questions.count(user.sub), context.questions.stops(user.sub)])
  const rests = (one: ShownAccess): boolean =>
    stops.some(({ agent, resource }) => agent === one.agent && resource === one.resource)
  const entries = shown.access.map(one => ({ ...one, rests: rests(one) }))
  const look = context.looks.of(message)
  const view = {
    csrf: session.csrf,
    user,
    ...shown,
    waiting,
    now: now(),
    tokenLife: issuer.lifetime,
    done: doneIn(query.get('done')),
    narrowed: query.get('narrowed') === '1',
    access: await withTerms(entries, context),
  }
  return pageResponse(accountPage(view, look), { look, cookies })
}

/**
 * Adds the resources' own words to conditions, and what they say of scopes by now. Those that do not arrive in time are left out: names are
 * quoted then, and the words stand as the user agreed to them.
 */
function withTerms(access: readonly ShownAccess[], { discovery }: AccountContext): Promise<readonly ShownAccess[]> {
  const limited = discovery.limited()
  return Promise.all(
    access.map(async one => {
      const terms = await valueInTime(limited.resource(one.resource))
      return terms === undefined ? one : { ...one, terms, ...saidNow(one, terms) }
    }),
  )
}

/** The words that a user agreed to stay those of the grant: what differs now stands beside them (clause consent.words.changed). */
function saidNow({ scope, words }: ShownAccess, metadata: ResourceMetadata): Pick<ShownAccess, 'wordsNow' | 'grave'> {
  const own = resourceScopes([...scope])
  const now = own.map(name => [name, wordsNow(name, metadata)] as const).filter(([name, said]) => said !== words[name])
  return {
    wordsNow: Object.fromEntries(now.map(([name, said = '']) => [name, said])),
    grave: own.filter(name => metadata.grave_scopes?.includes(name) === true),
  }
}

function doneIn(text: string | null): number | undefined {
  return text !== null && /^\d{1,6}$/.test(text) ? Number(text) : undefined
}

/** Takes access back, and shows the account again. */
export async function takeBackAccess(message: ReceivedMessage, context: AccountContext): Promise<Response> {
  const { form, user } = await userForm(message, context)
  const what = takenBackIn(form, context)
  const ended = await context.access.takeBack(user.sub, what, (tx, count) =>
    context.report.within(tx, { ...takenBackEvent(user.sub, what, count), ...requestIdOf(message) }),
  )
  return seeOther(`${accountPath}?done=${ended}`, [])
}

/** @throws AAuthError for a form that this page did not make */
function takenBackIn(form: ReadonlyMap<string, string>, { development }: AccountContext): TakenBack {
  const [agent, resource, scope] = [form.get('agent'), form.get('resource'), form.get('scope')]
  const delegate = form.get('delegate')
  const fits =
    form.get('what') === 'all'
      ? agent === undefined && resource === undefined && scope === undefined && delegate === undefined
      : isIdentifier(agent, { development }) && (resource === undefined || isIdentifier(resource, { development }))
  if (!fits) throw refusal('form_incomplete')
  // An empty field is left out by the form reader: `own` stands for the agent itself.
  return { agent, resource, scope, delegate: form.get('own') === '1' ? '' : delegate }
}
