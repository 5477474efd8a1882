// Makes a function of values into an export of an Extism plugin: the input is empty, or a JSON
// array of the arguments, and the output is the JSON text of what the function returns.
export const wrap = (f) => {
  return () => {
    const input = Host.inputString();
    const result = input === "" ? f() : f(...JSON.parse(input));
    Host.outputString(JSON.stringify(result));
  };
};
