import type { ReceivedMessage } from '@countersign/httpsig'
import type { Resource } from '@countersign/resource'
import type { RuleBook } from './rules/rule-book.js'

/** The refusal of a request whose signature or body does not verify: its message is not looked at. */
// unchecked options {}: guardMcp or agentTransport has checked them
export async function refuseUnread<S extends string>(
  message: ReceivedMessage,
  { resource, rules }: { readonly resource: Resource<S>; readonly rules: Pick<RuleBook<S>, 'session'> },
): Promise<Response> {
  const authorization = await resource.authorize(message, rules.session.requirement)
  if (authorization.ok) throw new TypeError('a request passed whose signature does not verify')
  return authorization.response
}
