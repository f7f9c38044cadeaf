variable "name" {}
variable "prefix" {}
variable "gateway" {}
variable "table" {}

resource "aws_vpc" "this" {
  cidr_block = "${var.prefix}.0.0/16"
  tags       = { Name = var.name }
}

resource "aws_subnet" "a" {
  vpc_id            = aws_vpc.this.id
  cidr_block        = "${var.prefix}.1.0/24"
  availability_zone = "us-east-1a"
  tags              = { Name = "${var.name}-a" }
}

resource "aws_route_table" "this" {
  vpc_id = aws_vpc.this.id
}

resource "aws_route" "out" {
  route_table_id         = aws_route_table.this.id
  destination_cidr_block = "10.0.0.0/8"
  transit_gateway_id     = var.gateway
}

resource "aws_route_table_association" "a" {
  subnet_id      = aws_subnet.a.id
  route_table_id = aws_route_table.this.id
}

resource "aws_security_group" "this" {
  name   = var.name
  vpc_id = aws_vpc.this.id
  ingress {
    protocol    = "-1"
    from_port   = 0
    to_port     = 0
    cidr_blocks = ["10.0.0.0/8"]
  }
  egress {
    protocol    = "-1"
    from_port   = 0
    to_port     = 0
    cidr_blocks = ["0.0.0.0/0"]
  }
}

resource "aws_instance" "one" {
  subnet_id              = aws_subnet.a.id
  private_ip             = "${var.prefix}.1.10"
  vpc_security_group_ids = [aws_security_group.this.id]
  tags                   = { Name = "${var.name}-1" }
}

resource "aws_ec2_transit_gateway_vpc_attachment" "this" {
  transit_gateway_id = var.gateway
  vpc_id             = aws_vpc.this.id
  subnet_ids         = [aws_subnet.a.id]
  tags               = { Name = "to-${var.name}" }
}

resource "aws_ec2_transit_gateway_route_table_association" "this" {
  transit_gateway_attachment_id  = aws_ec2_transit_gateway_vpc_attachment.this.id
  transit_gateway_route_table_id = var.table
}

output "attachment" {
  value = aws_ec2_transit_gateway_vpc_attachment.this.id
}
