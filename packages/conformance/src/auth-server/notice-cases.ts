import type { Case } from '../case/case.js'
import { type Trial, Undecided } from '../case/trial.js'
import { publishedKeys } from '../endpoint/document-cases.js'
import { pathOf, type Visit } from '../participants/origin.js'
import { receivedSignature, verifies, visitBytes } from '../participants/received.js'
import { givenBack, granted } from './asked-user.js'
import type { AuthServerStage } from './stage.js'

const group = 'notices'
const path = '/revoked-grants'
/** How long a notice may take, in milliseconds. */
const longestWait = 8000

const grantIn = (visit: Visit): string | null => new URLSearchParams(visit.body.toString('utf8')).get('grant')

/** The notices of a grant that have come to the suite's resource; waits until there are as many. */
async function noticesOf(stage: AuthServerStage, grant: unknown, count: number): Promise<readonly Visit[]> {
  const until = Date.now() + longestWait
  for (;;) {
    const found = stage.resource.origin.visits.filter(
      visit => pathOf(visit.target) === path && grantIn(visit) === grant,
    )
    if (found.length >= count || Date.now() > until) return found
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

/** A user's grant ends. @throws Undecided where tokens name no grant */
async function endedGrant(trial: Trial, stage: AuthServerStage): Promise<{ grant: unknown; at: number }> {
  const one = await granted(trial, stage, { agent: await stage.openAgent() })
  const { grant } = one.claims
  if (grant === undefined) throw new Undecided('not applicable', 'auth tokens name no grant')
  await trial.accepted('the agent gives its grant back', () => givenBack(stage, one))
  return { grant, at: stage.now() }
}

/** REV: what a resource is told of a grant that has ended. */
export const noticeCases: readonly Case<AuthServerStage>[] = [
  {
    id: 'revocation.own',
    group,
    needs: ['consent', 'user'],
    clauses: ['revocation.notice', 'revocation.signer'],
    async run(trial, stage) {
      const { grant, at } = await endedGrant(trial, stage)
      const [notice] = await noticesOf(stage, grant, 1)
      trial.holds('the resource is told within 8 s', notice !== undefined)
      if (notice === undefined) return
      trial.shown('the notice', visitBytes(notice))
      trial.holds('it is a POST', notice.method === 'POST')
      const form = new URLSearchParams(notice.body.toString('utf8'))
      const names = [...form.keys()].join(' ')
      trial.holds('the form has grant and exp, and no more', names === 'grant exp' || names === 'exp grant', names)
      const exp = Number(form.get('exp'))
      trial.holds('exp is an hour and a minute ahead at most', exp > at - 60 && exp <= at + 3660 + 5, `it is ${exp}`)
      const signed = receivedSignature(notice, new URL(stage.resource.id).host)
      trial.holds('it is signed by jwks_uri', signed?.scheme === 'jwks_uri', `it is ${signed?.scheme}`)
      const { id, kid } = signed?.keyParameters ?? {}
      trial.holds('id is the issuer', id === stage.id, `it is ${String(id)}`)
      const key = (await publishedKeys(trial, stage)).find(one => one['kid'] === kid)
      trial.holds('a published key has signed it', signed !== undefined && key !== undefined && verifies(signed, key))
    },
  },
  {
    id: 'REV-19',
    group,
    needs: ['consent', 'user'],
    async run(trial, stage) {
      let refusals = 0
      stage.resource.origin.answer(path, () => ({ status: refusals++ === 0 ? 503 : 204, body: '' }))
      try {
        const { grant } = await endedGrant(trial, stage)
        const notices = await noticesOf(stage, grant, 2)
        trial.holds('a resource that was away is told again', notices.length === 2, `${notices.length} notices came`)
        await new Promise(resolve => setTimeout(resolve, 1500))
        const all = await noticesOf(stage, grant, 1)
        trial.holds('after 204 it is not told again', all.length === notices.length, `${all.length} notices came`)
      } finally {
        stage.resource.origin.answer(path, () => ({ status: 204, body: '' }))
      }
    },
  },
]
