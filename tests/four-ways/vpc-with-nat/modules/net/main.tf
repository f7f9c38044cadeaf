variable "name" { type = string }
variable "cidr" { type = string }
variable "zones" { type = list(string) }
variable "public" { type = list(string) }
variable "private" { type = list(string) }

resource "aws_vpc" "this" {
  cidr_block = var.cidr
  tags       = { Name = var.name }
}

resource "aws_internet_gateway" "this" {
  vpc_id = aws_vpc.this.id
}

resource "aws_subnet" "public" {
  count             = length(var.public)
  vpc_id            = aws_vpc.this.id
  cidr_block        = var.public[count.index]
  availability_zone = var.zones[count.index]
  tags              = { Name = "public-${count.index + 1}" }
}

resource "aws_subnet" "private" {
  count             = length(var.private)
  vpc_id            = aws_vpc.this.id
  cidr_block        = var.private[count.index]
  availability_zone = var.zones[count.index]
  tags              = { Name = "private-${count.index + 1}" }
}

resource "aws_eip" "nat" {
  count  = length(var.public)
  domain = "vpc"
}

resource "aws_nat_gateway" "this" {
  count         = length(var.public)
  allocation_id = aws_eip.nat[count.index].id
  subnet_id     = aws_subnet.public[count.index].id
}

resource "aws_route_table" "public" {
  vpc_id = aws_vpc.this.id
  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.this.id
  }
}

resource "aws_route_table" "private" {
  count  = length(var.private)
  vpc_id = aws_vpc.this.id
}

resource "aws_route" "out" {
  count                  = length(var.private)
  route_table_id         = aws_route_table.private[count.index].id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.this[count.index].id
}

resource "aws_route_table_association" "public" {
  count          = length(var.public)
  subnet_id      = aws_subnet.public[count.index].id
  route_table_id = aws_route_table.public.id
}

resource "aws_route_table_association" "private" {
  count          = length(var.private)
  subnet_id      = aws_subnet.private[count.index].id
  route_table_id = aws_route_table.private[count.index].id
}

output "vpc_id" { value = aws_vpc.this.id }
output "public_subnet_ids" { value = aws_subnet.public[*].id }
output "private_subnets" {
  value = { a = aws_subnet.private[0].id, b = aws_subnet.private[1].id }
}
