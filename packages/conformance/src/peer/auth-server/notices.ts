import type { Context } from './context.js'
import { sendForm } from './send.js'
import type { Grant } from './state.js'

/** Seconds that no token of a grant outlives. */
const longestLife = 600

/** Tells the resource of a grant that it has ended, until it answers 204. @see protocol §6.6 */
export function sendNotice(context: Context, { name, asked }: Grant): void {
  const url = asked.metadata['revocation_endpoint']
  if (typeof url !== 'string') return
  const exp = context.now() + longestLife
  const form = { grant: name, exp: String(exp) }
  const deliver = async (): Promise<void> => {
    const status = await sendForm(context, url, form).then(
      answer => answer.status,
      () => undefined,
    )
    if (status === 204) return
    if (context.now() < exp) setTimeout(deliver, 1000).unref()
  }
  void deliver()
}
