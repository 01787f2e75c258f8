/** Where each case of delegation policies and approvals is run. */
export const sites = [
  'node:http',
  'Express',
  'Fastify',
  'Hono',
  'Fetch',
  'gateway',
  'check',
  'guardMcp',
  'mcpBehindGateway',
] as const

export type Site = (typeof sites)[number]

/** Why a case does not apply to what a tool returns, or to a check; there are no other reasons. */
export const reasons = {
  noHeaders: 'what a tool returns has no HTTP headers, trailers or phrase: the SDK writes those of its transport',
  noStatus: 'what a tool returns has no HTTP status: that of a result is always 200',
  noAnswers: 'a check sees no answers: it refuses each caller under data, and does not list the kind',
  noBytes: 'a tool returns values, which have no bytes of their own',
} as const

export type Cell = { readonly file: string } | { readonly reason: keyof typeof reasons }

const suite: Cell = { file: 'resource/src/adapters-policies.test.ts' }
const proxies: Cell = { file: 'gateway/src/adapters-policies.test.ts' }

/** These run the whole suite. */
const everywhere = {
  'node:http': suite,
  Express: suite,
  Fastify: suite,
  Hono: suite,
  Fetch: suite,
  gateway: proxies,
  check: proxies,
} satisfies Partial<Record<Site, Cell>>

const tools: Cell = { file: 'mcp-sdk1/src/tool-policies.test.ts' }
const proxied: Cell = { file: 'gateway/src/tool-policies.test.ts' }
const noHeaders: Cell = { reason: 'noHeaders' }
const noStatus: Cell = { reason: 'noStatus' }
const noAnswers: Cell = { reason: 'noAnswers' }
const noBytes: Cell = { reason: 'noBytes' }

/** These run the suite, and both servers of tools. */
const all = { ...everywhere, guardMcp: tools, mcpBehindGateway: proxied } satisfies Record<Site, Cell>

/** What is about the answers under `data`. */
const ofAnswers = { ...all, check: noAnswers } satisfies Record<Site, Cell>

/** The cases of the suite. */
export const cases = [
  'DEL-01',
  'DEL-02',
  'DEL-03',
  'DEL-04',
  'DEL-08',
  'DEL-09',
  'DEL-10',
  'DEL-11',
  'DEL-15',
  'DEL-16',
  'DEL-22',
  'DEL-24',
  'DEL-25',
  'DEL-26',
  'DEL-27',
  'DEL-28',
  'DEL-29',
  'DEL-30',
  'DEL-32',
  'DEL-33',
  'DEL-35',
  'DEL-36',
  'DEL-37',
  'DEL-38',
  'DEL-39',
  'DEL-40',
  'DEL-41',
  'DEL-54',
  'DEL-55',
  'DEL-57',
  'DEL-58',
  'DEL-59',
  'DEL-60',
  'DEL-61',
  'DEL-63',
  'DEL-69',
  'DEL-71',
  'DEL-72',
  'DEL-73',
  'DEL-74',
  'DEL-76',
  'DEL-78',
  'APR-01',
  'APR-02',
  'APR-03',
  'APR-05',
  'APR-06',
  'APR-16',
  'APR-18',
  'APR-19',
  'APR-26',
  'APR-27',
  'APR-30',
  'APR-33',
  'APR-34',
  'APR-35',
  'APR-39',
  'APR-41',
  'APR-42',
] as const

export type Case = (typeof cases)[number]

/** Every case of the suite at every site. A cell that is missing does not compile. */
export const cells: Readonly<Record<Case, Readonly<Record<Site, Cell>>>> = {
  'DEL-01': all,
  'DEL-02': all,
  'DEL-03': all,
  'DEL-04': all,
  'DEL-08': all,
  'DEL-09': all,
  'DEL-10': all,
  'DEL-11': all,
  'DEL-15': all,
  'DEL-16': all,
  'DEL-22': all,
  'DEL-24': all,
  'DEL-25': all,
  'DEL-26': all,
  'DEL-27': all,
  'DEL-28': all,
  'DEL-29': all,
  'DEL-30': all,
  'DEL-32': all,
  'DEL-33': all,
  'DEL-35': all,
  'DEL-36': all,
  'DEL-37': all,
  'DEL-38': all,
  'DEL-39': all,
  'DEL-40': all,
  'DEL-41': all,
  'DEL-54': ofAnswers,
  'DEL-55': ofAnswers,
  'DEL-57': { ...ofAnswers, guardMcp: noBytes },
  'DEL-58': ofAnswers,
  'DEL-59': { ...ofAnswers, guardMcp: noHeaders },
  'DEL-60': ofAnswers,
  'DEL-61': { ...ofAnswers, guardMcp: noStatus },
  'DEL-63': ofAnswers,
  'DEL-69': all,
  'DEL-71': all,
  'DEL-72': all,
  'DEL-73': all,
  'DEL-74': all,
  'DEL-76': all,
  'DEL-78': all,
  'APR-01': all,
  'APR-02': all,
  'APR-03': all,
  'APR-05': all,
  'APR-06': all,
  'APR-16': all,
  'APR-18': all,
  'APR-19': all,
  'APR-26': all,
  'APR-27': all,
  'APR-30': all,
  'APR-33': all,
  'APR-34': all,
  'APR-35': all,
  'APR-39': all,
  'APR-41': all,
  'APR-42': all,
}
