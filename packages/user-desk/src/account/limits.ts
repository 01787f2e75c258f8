import type { NarrowedAccess } from '@countersign/auth-server/internal'
import { conditionFacts } from '@countersign/auth-server/internal'
import type { Conditions } from '@countersign/conditions'
import type { ReceivedMessage } from '@countersign/httpsig'
import { queryOf } from '@countersign/httpsig/internal'
import { AAuthError, isIdentifier, type ResourceMetadata } from '@countersign/protocol'
import { refusal, seeOther } from '@countersign/protocol/internal'
import { requestIdOf } from '@countersign/verify/internal'
import type { SessionUser } from '../login/entrance.js'
import { valueInTime } from '../pages/in-time.js'
import { conditionsChosen, limitsIn } from '../pages/limits-form.js'
import { type NarrowView, narrowPage } from '../pages/narrow-page.js'
import { chosenFrom, offeredBy } from '../pages/offered-limits.js'
import { pageResponse } from '../pages/page-response.js'
import { wordsMark } from '../pages/shown-words.js'
import type { AccountContext } from './account-context.js'
import { accountPath, limitsPath } from './paths.js'
import { userForm } from './signed-in.js'

/** Shows the limits that a user can add to what an agent may do at a resource. */
export async function showLimits(message: ReceivedMessage, context: AccountContext): Promise<Response> {
  const { session, cookies } = await context.login.sessions.begin(message)
  const { user } = session
  const query = new URLSearchParams(queryOf(message.target))
  if (user === undefined) return context.login.signIn(message, { returnTo: accountPath })
  const what = narrowedIn(query, context)
  const limits = await limitsFor(user.sub, what, context)
  const look = context.looks.of(message)
  const view = { csrf: session.csrf, user, what, here: `${limitsPath}?${query}`, limits }
  return pageResponse(narrowPage(view, look), { look, cookies })
}

/** Adds the limits, and shows the account again. */
export async function addLimits(message: ReceivedMessage, context: AccountContext): Promise<Response> {
  const { form, session, user } = await userForm(message, context)
  const what = narrowedIn(form, context)
  const limits = await limitsFor(user.sub, what, context)
  const chosen = limitsIn(form, limits)
  // A limit that is not offered any more would be left out, and the user told that all are set.
  const isSame = form.get('words') === wordsMark({ scopes: [], limits })
  const { offered } = limits
  const added = isSame ? conditionsChosen(chosen, { offered, resource: what.resource, now: context.now() }) : undefined
  const narrowed =
    added === undefined || added.length === 0
      ? undefined
      : await narrowOrRefuse(message, { user, what, added }, context)
  if (narrowed !== undefined) return seeOther(`${accountPath}?narrowed=1`, [])
  const look = context.looks.of(message)
  const view = { csrf: session.csrf, user, what, limits: { ...limits, chosen }, problem: 'limits-unfit' as const }
  return pageResponse(narrowPage({ ...view, here: accountPath }, look), { look })
}

/** Undefined where a token could not carry all of it. */
async function narrowOrRefuse(
  message: ReceivedMessage,
  { user, what, added }: { readonly user: SessionUser; readonly what: NarrowedAccess; readonly added: Conditions },
  { access, report }: AccountContext,
): Promise<number | undefined> {
  const { agent, delegate, resource } = what
  const facts = {
    user: user.sub,
    agent,
    resource,
    ...(delegate === '' ? {} : { delegate }),
    ...conditionFacts(added),
    ...requestIdOf(message),
  }
  try {
    return await access.narrow(user.sub, { what, added }, (tx, grants) =>
      report.within(tx, { type: 'narrowed', grants, ...facts }),
    )
  } catch (error) {
    if (error instanceof AAuthError && error.reason === 'condition_malformed') return undefined
    throw error
  }
}

/** @throws AAuthError for a link or a form that no page made */
function narrowedIn(
  fields: Pick<ReadonlyMap<string, string>, 'get'> | Pick<URLSearchParams, 'get'>,
  { development }: AccountContext,
): NarrowedAccess {
  const [agent, resource] = [fields.get('agent'), fields.get('resource')]
  if (!isIdentifier(agent, { development }) || !isIdentifier(resource, { development }))
    throw refusal('form_incomplete')
  return { agent, resource, delegate: fields.get('own') === '1' ? '' : (fields.get('delegate') ?? '') }
}

async function limitsFor(
  sub: string,
  what: NarrowedAccess,
  { access, discovery, defaults }: AccountContext,
): Promise<NarrowView['limits']> {
  const held = await access.held(sub, what)
  // As for an id that nobody has: another user's access is not told apart from none (ACC-10).
  if (held === undefined) throw refusal('form_incomplete', { about: 'an access that is not there', status: 404 })
  const { conditions, counted } = held
  const metadata = await valueInTime<ResourceMetadata>(discovery.limited().resource(what.resource))
  // Not "once", and nothing where all of it is that: a grant that goes on would begin a new count.
  const offered = offeredBy(counted === 'all' ? undefined : metadata, { once: false })
  return {
    offered,
    given: conditions.length === 0 ? [] : [{ by: 'before', conditions }],
    counted,
    chosen: { ...chosenFrom({ ...(defaults.zone === undefined ? {} : { zone: defaults.zone }) }, offered) },
    words: metadata ?? {},
  }
}
