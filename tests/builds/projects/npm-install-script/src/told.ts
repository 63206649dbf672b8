export const told = (values: number[]): string => `bundled ${values.join(" and ")}`;
