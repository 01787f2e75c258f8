/** A built file of what all reference peers use. */
export const shared = (name: string): string => `conformance/dist/peer/shared/${name}.js`

/** A built file of the reference peer of the role resource. */
export const own = (name: string): string => `conformance/dist/peer/resource/${name}.js`
