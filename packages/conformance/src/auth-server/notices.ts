import { pathOf, type Visit } from '../participants/origin.js'
import type { AuthServerStage } from './stage.js'

/** Where the suite's resources take notices. */
export const noticePath: string = '/revoked-grants'
/** How long a notice may take, in milliseconds: it is sent every 1 s to 1 min. @see protocol §6.6 */
const longestWait = 65_000

const grantIn = (visit: Visit): string | null => new URLSearchParams(visit.body.toString('utf8')).get('grant')

/** The notices of a grant that have come to the suite's resource; waits until there are as many. */
export async function noticesOf(stage: AuthServerStage, grant: unknown, count: number): Promise<readonly Visit[]> {
  const until = Date.now() + longestWait
  for (;;) {
    const found = stage.resource.origin.visits.filter(
      visit => pathOf(visit.target) === noticePath && grantIn(visit) === grant,
    )
    if (found.length >= count || Date.now() > until) return found
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}
