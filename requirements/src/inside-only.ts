/** Clauses that only tests inside an implementation can check. */
export interface InsideOnly {
  /** Why no request from outside shows it. */
  readonly why: string
  /** Ids of clauses, or beginnings of ids that end with a dot. */
  readonly clauses: readonly string[]
}

/** What the conformance suite cannot see, and why. */
export const insideOnly: readonly InsideOnly[] = [
  {
    why: 'It is about a database, a start, a full or draining server, or a restored backup of the implementation.',
    clauses: [
      'sig.replay.not-processed',
      'error.unavailable',
      'refresh.hashed',
      'restore.delegates',
      'restore.epoch',
      'sig.replay.restart',
      'sig.replay.early',
      'sig.replay.ready',
      'revocation.restart',
      'revocation.unreadable',
      'revocation.not-kept',
      'policy.hours.no-zones',
      'revocation.shared-clock',
    ],
  },
  {
    why: 'It shows only with a clock that the test sets, or after minutes, hours or days.',
    clauses: [
      'sig.replay.window',
      'sig.replay.clock',
      'sig.replay.shared-clock',
      'sig.created.judged',
      'times.whole-seconds',
      'times.expires',
      'refresh.life',
      'delegate.renew.grace',
      'discovery.cache',
      'discovery.stale',
      'discovery.garbage',
      'discovery.failures',
      'code.reuse',
      'discovery.publish-ahead',
      'revocation.delivered',
    ],
  },
  {
    why: 'It bounds memory, work or shares: only a flood from many sites would show it, and it would look like an attack.',
    clauses: [
      'sig.replay.bounded',
      'sig.replay.shares',
      'sig.replay.room',
      'sig.replay.tenants',
      'discovery.shares',
      'discovery.bounded',
      'discovery.first-byte',
      'discovery.budget',
      'limits.body-memory',
      'policy.data.cost',
      'limits.before-parsing',
      'request.shares',
      'revocation.bounded',
      'revocation.order',
    ],
  },
  {
    why: 'It is about addresses that a resource in development mode may reach, and elsewhere only with DNS and certificates of the test.',
    clauses: [
      'discovery.guarded',
      'discovery.pinned',
      'discovery.https',
      'discovery.posts',
      'id.ip',
      'discovery.test-keys',
    ],
  },
  {
    why: 'It is about an option of the implementation, or a mistake in one.',
    clauses: [
      'rate.failures',
      'sig.created.tolerance',
      'id.development.explicit',
      'id.development.loopback',
      'discovery.fetcher',
      'policy.unjudged',
    ],
  },
  {
    why: 'It is about a party that hands requests on: the suite sees neither what it hands on nor its routes of several methods.',
    clauses: ['sig.method.parameter'],
  },
  {
    why: 'It is about logs and audit records.',
    clauses: ['token.txn'],
  },
  {
    why: 'The edition does not say how users sign in or see their accounts, so no suite can act for them everywhere.',
    clauses: ['account.', 'link.', 'id.development.cookies', 'revocation.shown'],
  },
  {
    why: 'A resource opts in to bots that it lists, an agent and an agent server to be one; no suite can make them do so.',
    clauses: ['bot.'],
  },
  {
    why: 'It needs HTTP/2, which servers speak where they have a certificate.',
    clauses: ['sig.target.h2'],
  },
  {
    why: 'It is about a key that an agent replaces while its calls run.',
    clauses: ['agent.key-changed'],
  },
  {
    why: 'Only the agent server of the agent, which is not the suite, can give it conditions that do not hold.',
    clauses: ['policy.delegates.agent', 'policy.delegates.aud'],
  },
  {
    why: 'Another check refuses the request that would show it.',
    clauses: ['revocation.middle'],
  },
  {
    why: 'It is about what a handler does when nobody reads its answer any more.',
    clauses: ['mcp.caller-gone'],
  },
]
