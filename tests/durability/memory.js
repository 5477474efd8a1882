// Keeps what it is told in its memory alone, and a count of it in a variable.
const told = [];

export function add() {
  told.push(Host.inputString());
  Var.set("count", `${told.length}`);
  Host.outputString(JSON.stringify({ told, count: Var.getString("count"), dice: Math.random() }));
}
