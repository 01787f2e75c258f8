// The check of options for all packages. It is implemented in httpsig, the lowest package.
export {
  checkOption,
  checkOptions,
  checkOptionsOffPage,
  each,
  eachMember,
  nearestName,
  type OptionCheck,
  type OptionChecks,
  type OptionMembers,
  type OptionPlace,
  objectOr,
  offPage,
  restriction,
  wrongOption,
} from '@countersign/httpsig/internal'
