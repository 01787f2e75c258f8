type Participants = Readonly<Partial<Record<string, { readonly port: number }>>>

/** The participants that the suite plays around a resource. */
export const playedAroundResource: readonly string[]
/** Signature algorithms that its callers may use. */
export const algorithms: readonly string[]
/** The routes of the API of site.fixture.mjs. */
export const siteRoutes: readonly string[]
/** Its routes that are special. */
export const specialRoutes: ReadonlyArray<object | string>
/** Its routes whose answers stay open, where it runs on Node. */
export const lastingRoutes: readonly object[]
/** Its routes that take bearer tokens, too, where it has CORS. */
export const bearerRoutes: readonly object[]
/** The configuration of the suite for it, on one of its adapters. */
export function siteOffers(adapter: string, participants: Participants): object
/** Its MCP servers, where it runs on Node. */
export const siteMcp: object
export const siteStatelessMcp: object
