export { allCases, type ListedCase } from './all-cases.js'
export { main } from './main.js'
export type { Role } from './report/role.js'
