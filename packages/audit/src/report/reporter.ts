import type { QueryExecutorProvider } from 'kysely'

/** The transaction of a write, whatever tables it knows. */
export type Transaction = QueryExecutorProvider

/** What is written with a change, in its transaction, given what came of the change. */
export type Also<R = void> = (tx: Transaction, outcome: R) => Promise<void>

/** Where events go: into the audit log, where one is kept, and to `onEvent`. */
export interface Reporter<E> {
  /**
   * Reports what a transaction changes. The event is recorded with the change, both or neither, and `onEvent` is told once they are
   * committed.
   * @param tx of `write` of the store of the same reporting
   */
  within(tx: Transaction, event: E): Promise<void>
  /**
   * Reports what changes nothing, such as a refusal: recorded in a write of its own before this resolves, if it concerns one who is
   * verified, and within that one's share of the log.
   */
  alone(event: E): Promise<void>
  /** Records what a transaction begins, and tells `onEvent` nothing: {@link Reporter.tell} does, when it is known what came of it. */
  record(tx: Transaction, event: E): Promise<void>
  /** Tells `onEvent`, and records nothing. */
  tell(event: E): void
  /** Has the audit log forget the personal data of a user, with what the transaction changes. */
  forget(tx: Transaction, sub: string): Promise<void>
}

/** Returns the context with a reporter that adds the request id of the message to each event. */
// unchecked options message: it is a party, a message or a logger, of which few members are read
export function named<C extends { readonly report: Reporter<never> }>(
  context: C,
  message: { readonly requestId?: string },
): C {
  if (message.requestId === undefined) return context
  const id = { request_id: message.requestId }
  const report = context.report as unknown as Reporter<object>
  const withId: Reporter<object> = {
    within: (tx, event) => report.within(tx, { ...event, ...id }),
    alone: event => report.alone({ ...event, ...id }),
    record: (tx, event) => report.record(tx, { ...event, ...id }),
    tell: event => report.tell({ ...event, ...id }),
    forget: report.forget,
  }
  return { ...context, report: withId }
}
