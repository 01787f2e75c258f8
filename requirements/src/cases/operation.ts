import { type AttackCase, built } from './attack-case.js'

/** LOG: records and privacy. */
export const logCases: readonly AttackCase[] = [
  built('LOG-01', 'error.description', 'Hostile text from outside stays one escaped record.'),
  built('LOG-02', 'error.description', 'No token, code, private key or signed header appears in a log.'),
  built('LOG-03', 'token.txn', 'Every decision makes exactly one audit record.'),
  built('LOG-04', 'error.description', 'An identity that did not verify is never recorded as the agent.'),
  built('LOG-05', 'error.unavailable', 'A flood of bad requests cannot fill the log or hide grants.'),
  built('LOG-06', 'error.description', 'A hostile request id is replaced.'),
  built('LOG-09', 'token.txn', 'A record removed or changed is noticed, where that is claimed.'),
  built('LOG-10', 'refresh.life', 'Personal data and keys expire by policy.'),
  built('LOG-11', 'token.txn', 'A file that an exported audit log lacks is named, and no cause that is not known.'),
  built('LOG-12', 'token.txn', 'No detail of an event stands for a verified member of it where the event is shown.'),
  built('LOG-13', 'token.txn', 'A record that is changed in the database raises an alarm while the server runs.'),
]

/** DOS: exhaustion. */
export const exhaustionCases: readonly AttackCase[] = [
  built(
    'DOS-01',
    'error.header-too-large',
    'A header block or a `Signature-Key` that is too large is refused at once.',
  ),
  built('DOS-02', 'limits.components', 'Thousands of components, parameters or quotes are refused in linear time.'),
  built('DOS-03', 'limits.signature-key', 'Nested or huge structured fields are refused.'),
  built('DOS-04', 'limits.before-parsing', 'JSON that is deep, wide or hostile is refused within bounds.'),
  built('DOS-05', 'error.unavailable', 'A slow request times out and frees its slot.'),
  built('DOS-08', 'error.rate-limited', 'Pending requests of one agent are bounded without harm to others.'),
  built('DOS-09', 'refresh.life', 'Expired rows are swept and tables stay bounded.'),
  built('DOS-10', 'limits.before-parsing', 'Huge claims are refused by size before anything else.'),
  built('DOS-11', 'sig.alg.rsa-size', 'Costly keys and encodings cost bounded time.'),
  built('DOS-13', 'error.unavailable', 'Floods of HTTP/2 frames and idle connections leave the process healthy.'),
  built('DOS-14', 'error.server-error', 'Mutated requests cause no crash, no 5xx and no acceptance.'),
  built('DOS-16', 'consent.browser', 'A flood of page requests does not touch the token endpoint.'),
  built('DOS-17', 'sig.replay.shares', 'Subdomains of one site fill its share of the replay set and no more.'),
  built('DOS-18', 'sig.replay.shares', 'The last tenth of the replay set is for sites that hold next to nothing.'),
  built(
    'DOS-19',
    'sig.replay.after-checks',
    'Requests that a token endpoint refuses for their form are not remembered.',
  ),
  built('DOS-20', 'discovery.shares', 'Names of one domain that hangs keep no new agent from being met.'),
  built('DOS-23', 'sig.replay.shares', 'Pseudonyms of one /48 or one /24 take one share of the replay set.'),
  built(
    'DOS-25',
    'sig.headers.limits',
    'Eight hostile members in 8 KiB cost at most 2 ms and get the verdict of the grammar.',
  ),
  built(
    'DOS-26',
    'consent.browser',
    'A flood of page requests does not keep out users who are signed in behind the same address.',
  ),
  built('DOS-27', 'sig.headers.limits', 'A header of exactly 8 KiB passes, and one of a byte more gets 431.'),
]
